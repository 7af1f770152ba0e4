import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { createGithubWebhooks } from '#shared/scm/github/webhooks.ts';
import { requireOwnSecrets, scmSettings } from '#shared/scm/scm-settings.ts';
import { eventFunction } from '#shared/webhooks/event-function.ts';
import { setUpPage } from './set-up-page.ts';

const { init, handle, metrics, close } = eventFunction('github-event', (settings) => {
  const allowSha1 = settings.flag('allow_sha1_signature', false);
  const apps = scmSettings(settings, 'github').map(({ scm, settings: own }) => ({
    scm,
    secrets: {
      current: own.secret('github-webhook-secret'),
      previous: own.optionalSecret('github-webhook-secret-previous'),
    },
    githubUrl: own.url('github_url', 'https://github.com'),
  }));
  requireOwnSecrets(
    apps.map(({ scm, secrets }) => ({ scm, secrets: [secrets.current, secrets.previous] })),
  );
  return apps.map((app) => createGithubWebhooks({ ...app, allowSha1 }));
});

export { close, init, metrics };
/** Receives the webhooks of the GitHub Apps. */
export default async (event: FunctionEvent, context: FunctionContext) => {
  const page = setUpPage(event.method, event.rawQuery);
  if (page === undefined) return handle(event, context);
  return context.status(page.status).succeed(page.body);
};
