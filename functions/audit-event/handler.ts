import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { loadConfig, type Settings } from '#shared/config.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { once } from '#shared/once.ts';
import { signerSettings, storeSettings } from '#shared/platform-settings.ts';
import { type Auditing, takeEvent } from './take-event.ts';

const loaded = once(() => loadConfig(load));

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/** Keeps the audit trail. */
export default async (event: FunctionEvent, context: FunctionContext) => {
  await takeEvent(loaded(), event, context.log);
  return context.status(200).succeed('audit-event: done');
};

function load(settings: Settings): Auditing {
  return {
    signer: signerSettings(settings),
    store: createS3ObjectStore(storeSettings(settings)),
    slackUrl: settings.text('slack_url', '') === '' ? '' : settings.url('slack_url'),
    slackTimeoutMs: settings.duration('slack_timeout', '3s'),
  };
}
