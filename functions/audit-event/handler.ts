import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { loadConfig, type Settings } from '#shared/config.ts';
import { createAllowedAddresses } from '#shared/notifications/allowed-addresses.ts';
import { deliverDue } from '#shared/notifications/deliver.ts';
import { createDestinations } from '#shared/notifications/destinations.ts';
import { createNotices } from '#shared/notifications/notices.ts';
import { createPostNotice } from '#shared/notifications/post-notice.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { observed } from '#shared/observe/observed.ts';
import { once } from '#shared/once.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import { signerSettings, storeSettings, vaultSettings } from '#shared/platform-settings.ts';
import { publicUrlSettings } from '#shared/public-urls.ts';
import { notify } from './notify.ts';
import { type Auditing, takeEvent } from './take-event.ts';

const step = observed('audit-event');
const loaded = once(() => loadConfig(load));

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/** Keeps the audit trail, and tells owners how their deployments ended. */
export default step.classic(async (event: FunctionEvent, context: FunctionContext) => {
  await takeEvent(loaded(), event, context.log);
  return context.status(200).succeed('audit-event: done');
});

/** What it counts of its own step. */
export const metrics = () => step.metrics.render();
/** Sends on the spans that wait. */
export const { close } = step;

function load(settings: Settings): Auditing {
  const store = createS3ObjectStore(storeSettings(settings));
  const timeoutMs = settings.duration('notification_timeout', '5s');
  const destinations = createDestinations(store, vaultSettings(settings));
  const allowed = createAllowedAddresses(settings.list('notification_allow'));
  const delivering = {
    notices: createNotices(store),
    destinations,
    post: createPostNotice(allowed, timeoutMs),
    timeoutMs,
    now: Date.now,
  };
  const records = createRecords(store);
  const urls = publicUrlSettings(settings);
  return {
    signer: signerSettings(settings),
    store,
    slackUrl: settings.text('slack_url', '') === '' ? '' : settings.url('slack_url'),
    slackTimeoutMs: settings.duration('slack_timeout', '3s'),
    notify: (ref) => notify({ records, destinations, delivering, urls }, ref),
    deliverDue: () => deliverDue(delivering),
  };
}
