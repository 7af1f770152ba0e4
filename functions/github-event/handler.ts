import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { loadConfig, type Settings } from '#shared/config.ts';
import { once } from '#shared/once.ts';
import { createGithubWebhooks } from '#shared/scm/github/webhooks.ts';
import { scmSettings } from '#shared/scm/scm-settings.ts';
import { type Receiving, receiveWebhook } from '#shared/webhooks/receive-webhook.ts';
import { receivingSettings } from '#shared/webhooks/receiving-settings.ts';
import { setUpPage } from './set-up-page.ts';

const loaded = once(() => loadConfig(load));

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/** Receives the webhooks of the GitHub Apps. */
export default async (event: FunctionEvent, context: FunctionContext) => {
  const page = setUpPage(event.method, event.rawQuery);
  const { status, body } = page ?? (await receiveWebhook(loaded(), event));
  return context.status(status).succeed(body);
};

function load(settings: Settings): Receiving {
  const allowSha1 = settings.flag('allow_sha1_signature', false);
  const scms = scmSettings(settings, 'github').map(({ scm, settings: own }) =>
    createGithubWebhooks({
      scm,
      secrets: {
        current: own.secret('github-webhook-secret'),
        previous: own.optionalSecret('github-webhook-secret-previous'),
      },
      allowSha1,
      githubUrl: own.url('github_url', 'https://github.com'),
    }),
  );
  return receivingSettings(settings, scms);
}
