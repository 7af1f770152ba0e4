import { createGiteaWebhooks } from '#shared/scm/gitea/webhooks.ts';
import { requireOwnSecrets, scmSettings } from '#shared/scm/scm-settings.ts';
import { eventFunction } from '#shared/webhooks/event-function.ts';

const { init, handle, metrics, close } = eventFunction('gitea-event', (settings) => {
  const giteas = scmSettings(settings, 'gitea').map(({ scm, settings: own }) => ({
    scm,
    secrets: {
      current: own.secret('gitea-webhook-secret'),
      previous: own.optionalSecret('gitea-webhook-secret-previous'),
    },
    url: own.url('gitea_url', 'https://gitea.com'),
  }));
  requireOwnSecrets(
    giteas.map(({ scm, secrets }) => ({ scm, secrets: [secrets.current, secrets.previous] })),
  );
  return giteas.map(createGiteaWebhooks);
});

export { close, init, metrics };
/** Receives the webhooks of Gitea and Forgejo. */
export default handle;
