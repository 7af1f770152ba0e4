import { CloudError } from '../errors.ts';

/** An HTTP error of an SCM's API, as Octokit throws it too. */
export interface RequestError extends Error {
  readonly status: number;
  readonly response?: { readonly headers: Readonly<Record<string, string | number | undefined>> };
}

/** Without a `Retry-After`, GitHub asks to wait at least a minute. */
const defaultWaitSeconds = 60;

/**
 * How long to wait before an SCM may be called again, if an error is a rate limit.
 *
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 * @see https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers
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

/** Whether something that was thrown is an answer of an API. */
export function isRequestError(thrown: unknown): thrown is RequestError {
  return thrown instanceof Error && 'status' in thrown && typeof thrown.status === 'number';
}
