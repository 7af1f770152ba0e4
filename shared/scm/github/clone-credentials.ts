import { CloudError } from '../../errors.ts';
import { once } from '../../once.ts';
import type { CloneCredentials } from '../clone-credentials.ts';
import { githubError } from './github-error.ts';

interface GithubCredentials {
  readonly apiUrl: string;
  /** Empty: there is no App, and so no private repo can be read. */
  readonly appId: string;
  readonly privateKey: string | undefined;
}

/**
 * Opens private repos as the GitHub App that is installed on them, with tokens that read the content of
 * the one repo.
 */
export function createGithubCredentials(config: GithubCredentials): CloneCredentials {
  const { apiUrl, appId, privateKey } = config;
  // Imported when the first private repo comes: most pushes never need it.
  const tokens = once(async () => {
    if (appId === '' || privateKey === undefined) {
      throw new CloudError('OFC_CONFIG', 'Private repos need a GitHub App.', {
        hint: 'Set github_app_id and the secret private-key.',
      });
    }
    const { createAppTokens } = await import('./app-tokens.ts');
    return createAppTokens({ apiUrl, appId, privateKey });
  });
  const tokenFor = async (installationId: number, repoId: number): Promise<string> => {
    const token = await tokens();
    return token({ installationId, repoId }, { contents: 'read' }).catch((error: unknown) => {
      throw githubError(error);
    });
  };
  return {
    async lend({ private: isPrivate, installationId, repoId }, use) {
      if (!isPrivate || installationId === undefined) return use(undefined);
      const password = await tokenFor(installationId, repoId);
      return use({ username: 'x-access-token', password });
    },
  };
}
