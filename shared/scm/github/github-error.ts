import { CloudError, errorMessage } from '../../errors.ts';
import { isRequestError, retryAfterSeconds } from '../retry-after.ts';

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
