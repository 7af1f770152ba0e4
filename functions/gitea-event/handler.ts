import { createGiteaWebhooks } from '#shared/scm/gitea/webhooks.ts';
import { scmSettings } from '#shared/scm/scm-settings.ts';
import { eventFunction } from '#shared/webhooks/event-function.ts';

const { init, handle } = eventFunction((settings) =>
  scmSettings(settings, 'gitea').map(({ scm, settings: own }) =>
    createGiteaWebhooks({
      scm,
      secrets: {
        current: own.secret('gitea-webhook-secret'),
        previous: own.optionalSecret('gitea-webhook-secret-previous'),
      },
      url: own.url('gitea_url', 'https://gitea.com'),
    }),
  ),
);

export { init };
/** Receives the webhooks of Gitea and Forgejo. */
export default handle;
