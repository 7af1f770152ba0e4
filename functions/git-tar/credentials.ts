import type { Settings } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';
import type { CloneCredentials } from '#shared/scm/clone-credentials.ts';
import { createGiteaCredentials } from '#shared/scm/gitea/clone-credentials.ts';
import { createGithubCredentials } from '#shared/scm/github/clone-credentials.ts';
import { createGitlabCredentials } from '#shared/scm/gitlab/clone-credentials.ts';
import { createGitlabClient } from '#shared/scm/gitlab/gitlab-client.ts';
import { type ScmId, scmKind } from '#shared/scm/scm-id.ts';
import { scmSettings } from '#shared/scm/scm-settings.ts';

/** One SCM: where its repos are, and what opens them. */
interface Host {
  readonly url: string;
  readonly credentials: CloneCredentials;
}

/**
 * What opens private repos, of all SCMs. A credential is lent for a repo on its own SCM only, whatever
 * a record says.
 */
export function credentialsSettings(settings: Settings): CloneCredentials {
  const hosts = new Map<ScmId, Host>(
    scmSettings(settings).map(({ scm, settings: own }) => [scm, hostSettings(scm, own)]),
  );
  return {
    async lend(deployment, use) {
      const { scm, cloneUrl } = deployment;
      const host = hosts.get(scm);
      if (host === undefined || !cloneUrl.startsWith(`${host.url}/`)) {
        throw new CloudError(
          'OFC_CONFIG',
          `${cloneUrl} is not on an SCM that is configured here.`,
          {
            hint: 'Has its address changed, or the variable scms? Then push again.',
          },
        );
      }
      return host.credentials.lend(deployment, use);
    },
  };
}

function hostSettings(scm: ScmId, own: Settings): Host {
  switch (scmKind(scm)) {
    case 'github': {
      const credentials = createGithubCredentials({
        apiUrl: own.url('github_api_url', 'https://api.github.com'),
        appId: own.text('github_app_id', ''),
        privateKey: own.optionalSecret(own.text('private_key_filename', 'private-key')),
      });
      return { url: own.url('github_url', 'https://github.com'), credentials };
    }
    case 'gitlab': {
      const url = own.url('gitlab_instance', 'https://gitlab.com');
      const token = own.optionalSecret('gitlab-api-token');
      const credentials = createGitlabCredentials({
        deployToken: own.optionalSecret('gitlab-deploy-token'),
        api: token === undefined ? undefined : createGitlabClient(url, token).api,
      });
      return { url, credentials };
    }
    case 'gitea': {
      const credentials = createGiteaCredentials(own.optionalSecret('gitea-clone-token'));
      return { url: own.url('gitea_url', 'https://gitea.com'), credentials };
    }
  }
}
