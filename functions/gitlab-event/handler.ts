import type { Settings } from '#shared/config.ts';
import { createGitlabClient } from '#shared/scm/gitlab/gitlab-client.ts';
import type { GitlabSecrets } from '#shared/scm/gitlab/verify-webhook.ts';
import { createGitlabWebhooks } from '#shared/scm/gitlab/webhooks.ts';
import { requireOwnSecrets, scmSettings } from '#shared/scm/scm-settings.ts';
import { eventFunction } from '#shared/webhooks/event-function.ts';

const { init, handle, metrics, close } = eventFunction('gitlab-event', (settings) => {
  const gitlabs = scmSettings(settings, 'gitlab').map(({ scm, settings: own }) => {
    const instance = own.url('gitlab_instance', 'https://gitlab.com');
    return {
      scm,
      secrets: secretsOf(own),
      rules: { instance, topic: own.text('installation_tag', 'openfaas-cloud') },
      client: createGitlabClient(instance, own.secret('gitlab-api-token')),
    };
  });
  requireOwnSecrets(
    gitlabs.map(({ scm, secrets }) => ({ scm, secrets: Object.values(secrets).flat() })),
  );
  return gitlabs.map(createGitlabWebhooks);
});

/** Where there is a signing token, the secret token is not enough. */
function secretsOf(own: Settings): GitlabSecrets {
  const given = (...secrets: (string | undefined)[]) =>
    secrets.filter((secret) => secret !== undefined);
  const signing = given(
    own.optionalSecret('gitlab-signing-token'),
    own.optionalSecret('gitlab-signing-token-previous'),
  );
  if (signing.length > 0) return { signing };
  return {
    tokens: given(
      own.secret('gitlab-webhook-secret'),
      own.optionalSecret('gitlab-webhook-secret-previous'),
    ),
  };
}

export { close, init, metrics };
/** Receives the webhooks of GitLab: system hooks, and those of groups and projects. */
export default handle;
