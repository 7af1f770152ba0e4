import * as v from 'valibot';
import { CloudError } from '../../errors.ts';
import type { Deployment } from '../../pipeline/deployment.ts';
import type { CloneAccess, CloneCredentials } from '../clone-credentials.ts';
import type { JsonApi } from '../json-api.ts';

const deployTokenSchema = v.object({ id: v.number(), username: v.string(), token: v.string() });

interface GitlabCredentials {
  /** A deploy token that the operator made (`username:token`); then no other is made. */
  readonly deployToken: string | undefined;
  /** Makes deploy tokens; never sent to git. */
  readonly api: JsonApi | undefined;
}

/**
 * Opens private projects with deploy tokens: the operator's, or one that is made for the project and
 * this one fetch, may read the repository and nothing else, and is deleted afterwards.
 *
 * @see https://docs.gitlab.com/api/deploy_tokens/#create-a-project-deploy-token
 */
export function createGitlabCredentials({ deployToken, api }: GitlabCredentials): CloneCredentials {
  return {
    async lend(deployment, use) {
      if (!deployment.private) return use(undefined);
      if (deployToken !== undefined) return use(parseDeployToken(deployToken));
      if (api === undefined) {
        throw new CloudError('OFC_CONFIG', 'Private projects of GitLab need a credential.', {
          hint: 'Add the secret gitlab-deploy-token or gitlab-api-token to git-tar.',
        });
      }
      const { id, username, token } = await make(api, deployment);
      try {
        return await use({ username, password: token });
      } finally {
        // It ends by itself tomorrow, whatever comes between.
        const path = `/projects/${deployment.repoId}/deploy_tokens/${id}`;
        await api.call({ method: 'DELETE', path }, v.unknown()).catch(() => undefined);
      }
    },
  };
}

function make(api: JsonApi, { repoId, id }: Deployment) {
  const tomorrow = new Date(Date.now() + 24 * 3_600_000).toISOString();
  const body = {
    name: `openfaas-cloud ${id}`,
    scopes: ['read_repository'],
    expires_at: tomorrow,
  };
  const path = `/projects/${repoId}/deploy_tokens`;
  return api.call({ method: 'POST', path, body }, deployTokenSchema);
}

/** @throws CloudError `OFC_CONFIG` */
export function parseDeployToken(text: string): CloneAccess {
  const colon = text.indexOf(':');
  if (colon > 0 && colon < text.length - 1) {
    return { username: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  throw new CloudError('OFC_CONFIG', 'The secret gitlab-deploy-token is not username:token.');
}
