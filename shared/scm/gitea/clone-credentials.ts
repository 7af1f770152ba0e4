import { CloudError } from '../../errors.ts';
import type { CloneCredentials } from '../clone-credentials.ts';

/**
 * Opens private repos with a token of the operator's: Gitea makes none that is narrower than its user,
 * so that should be a user who may read the repos to be built, and nothing else.
 *
 * @param token With the scope `read:repository`.
 * @see https://docs.gitea.com/development/api-usage
 */
export function createGiteaCredentials(token: string | undefined): CloneCredentials {
  return {
    async lend(deployment, use) {
      if (!deployment.private) return use(undefined);
      if (token !== undefined) return use({ username: 'openfaas-cloud', password: token });
      throw new CloudError('OFC_CONFIG', 'Private repos of Gitea need a credential.', {
        hint: 'Add the secret gitea-clone-token to git-tar.',
      });
    },
  };
}
