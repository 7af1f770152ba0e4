import { CloudError, errorMessage } from '../../errors.ts';

/** The parts of Octokit's `RequestError` that we look at. */
interface RequestError extends Error {
  readonly status: number;
  readonly response?: { readonly headers: Readonly<Record<string, string | number | undefined>> };
}

/** Without a `Retry-After`, GitHub asks to wait at least a minute. */
const defaultWaitSeconds = 60;

/**
 * Anything that a call of GitHub's API throws, as a {@link CloudError}: `OFC_BUSY` (a rate limit),
 * `OFC_UPSTREAM` (unreachable, 5xx), `OFC_CONFIG` (credentials), `OFC_NOT_FOUND` (the repo, the
 * commit or the app's installation is gone).
 */
export function githubError(thrown: unknown): CloudError {
  if (thrown instanceof CloudError) return thrown;
  if (!isRequestError(thrown)) {
    return new CloudError('OFC_UPSTREAM', 'GitHub did not answer.', { cause: thrown });
  }
  const { status } = thrown;
  const said = `GitHub answered ${status}: ${errorMessage(thrown).slice(0, 300)}`;
  if (retryAfterSeconds(thrown) !== undefined) {
    return new CloudError('OFC_BUSY', `GitHub's rate limit is reached. ${said}`, { cause: thrown });
  }
  if (status === 401 || status === 403) {
    return new CloudError('OFC_CONFIG', said, {
      hint: 'Check github_app_id, the private key and the permissions of the app.',
      cause: thrown,
    });
  }
  if (status >= 400 && status < 500) {
    return new CloudError('OFC_NOT_FOUND', said, { cause: thrown });
  }
  return new CloudError('OFC_UPSTREAM', said, { cause: thrown });
}

/**
 * How long to wait before GitHub may be called again, if an error is a rate limit.
 *
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
export function retryAfterSeconds(thrown: unknown, now: number = Date.now()): number | undefined {
  const error = thrown instanceof CloudError ? thrown.cause : thrown;
  if (!isRequestError(error) || (error.status !== 403 && error.status !== 429)) return undefined;
  const headers = error.response?.headers ?? {};
  const asked = Number(headers['retry-after']);
  if (asked > 0) return Math.ceil(asked);
  if (headers['x-ratelimit-remaining'] === '0') {
    const reset = Number(headers['x-ratelimit-reset']) - now / 1000;
    return reset > 0 ? Math.ceil(reset) : defaultWaitSeconds;
  }
  const secondary = error.status === 429 || /rate limit/i.test(error.message);
  return secondary ? defaultWaitSeconds : undefined;
}

function isRequestError(thrown: unknown): thrown is RequestError {
  return thrown instanceof Error && 'status' in thrown && typeof thrown.status === 'number';
}
