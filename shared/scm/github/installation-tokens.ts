import type { Settings } from '../../config.ts';
import { CloudError } from '../../errors.ts';
import { once } from '../../once.ts';
import type { Deployment } from '../../pipeline/deployment.ts';

/**
 * Makes a source of tokens that read one private repo, as the GitHub App that is installed on it.
 * A public repo needs none. Tokens stay in memory, and are cached there until shortly before they end.
 *
 * Errors of the source: `OFC_CONFIG` (no App configured), `OFC_UPSTREAM`.
 */
export function createInstallationTokens(
  settings: Settings,
): (deployment: Deployment) => Promise<string | undefined> {
  const appId = settings.text('github_app_id', '');
  const privateKey = settings.optionalSecret(settings.text('private_key_filename', 'private-key'));
  const baseUrl = settings.url('github_api_url', 'https://api.github.com');
  // Imported when the first private repo comes: most pushes never need it.
  const auth = once(async () => {
    if (appId === '' || privateKey === undefined) {
      throw new CloudError('OFC_CONFIG', 'Private repos need a GitHub App.', {
        hint: 'Set github_app_id and the secret private-key.',
      });
    }
    const { createAppAuth } = await import('@octokit/auth-app');
    const { request } = await import('@octokit/request');
    return createAppAuth({ appId, privateKey, request: request.defaults({ baseUrl }) });
  });

  return async ({ private: isPrivate, installationId, repoId }) => {
    if (!isPrivate || installationId === undefined) return undefined;
    try {
      const { token } = await (await auth())({
        type: 'installation',
        installationId,
        repositoryIds: [repoId],
        permissions: { contents: 'read' },
      });
      return token;
    } catch (error) {
      if (error instanceof CloudError) throw error;
      throw new CloudError('OFC_UPSTREAM', 'GitHub gave no token to read the repo.', {
        cause: error,
      });
    }
  };
}
