import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { loadConfig, type Settings } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';
import { receiveMessage } from '#shared/messages/receive.ts';
import { isAnythingDue } from '#shared/notifications/notices.ts';
import { countingVerdicts, showOpenDeployments } from '#shared/observe/deployment-metrics.ts';
import { observed } from '#shared/observe/observed.ts';
import { once } from '#shared/once.ts';
import { garbageMessageSchema } from '#shared/pipeline/messages.ts';
import { loadPipeline } from '#shared/pipeline/pipeline.ts';
import { tell } from '#shared/pipeline/tell.ts';
import { collect, collectSecrets, prune } from './collect.ts';
import { cancelOpen, forgetRepos } from './forget-repos.ts';
import { retain } from './retain.ts';
import { mayStart, sweep } from './sweep.ts';

const step = observed('garbage-collect');
const showOpen = showOpenDeployments(step.metrics.registry);
const loaded = once(() => loadConfig(load));

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/**
 * Removes what an owner's repo no longer declares (a signed message says what stays), or all of a repo or
 * owner that has gone. When called on schedule with nothing, takes up deployments that are stuck, and
 * deletes what is kept long enough.
 */
export default step.classic(async (event: FunctionEvent, context: FunctionContext) => {
  const { pipeline, keepDeployments, maxAgeMs, retention } = loaded();
  const { signer, gateway, records, messages, store } = pipeline;
  if (event.rawBody.length === 0) {
    if (!(await mayStart(store, Date.now()))) {
      throw new CloudError('OFC_BUSY', 'There was a sweep less than a minute ago.');
    }
    if (await isAnythingDue(store, Date.now())) await messages.deliverNotices();
    const { received, ...swept } = await sweep({ records, messages, maxAgeMs }, Date.now());
    showOpen(received);
    return { ...swept, deleted: await retain(store, retention, Date.now()) };
  }
  const message = receiveMessage(signer, 'garbage-collect', event, garbageMessageSchema);
  const isGone = message.of === undefined && message.only === undefined;
  if (isGone) await cancelOpen(pipeline, message, Date.now());
  const removed = await collect(gateway, records, message);
  if (message.only === undefined) await collectSecrets(pipeline, message);
  if (isGone) await forgetRepos(pipeline, message);
  else if (message.repo !== '*') await prune(records, message.owner, message.repo, keepDeployments);
  if (message.of !== undefined && message.repo !== '*') {
    const { owner, repo, of } = message;
    const done = await records.load({ owner, repo, id: of.id });
    if (done !== undefined) await tell(records, done, 'garbage');
  }
  const count = removed.length === 1 ? '1 function' : `${removed.length} functions`;
  const text = `Garbage collection ran for ${message.owner}/${message.repo}: ${count} deleted.`;
  if (removed.length > 0) {
    await messages.audit({ source: 'garbage-collect', message: text, owner: message.owner });
  }
  return context.status(200).succeed({ removed });
});

/** What it counts of its own step. */
export const metrics = () => step.metrics.render();
/** Sends on the spans that wait. */
export const { close } = step;

function load(settings: Settings) {
  const pipeline = loadPipeline(settings, { admin: true });
  const records = countingVerdicts(pipeline.records, step.metrics.registry);
  return {
    pipeline: { ...pipeline, records },
    keepDeployments: settings.integer('keep_deployments', 10, { min: 1 }),
    maxAgeMs: settings.duration('deployment_max_age', '1h'),
    retention: {
      auditDays: settings.integer('keep_audit_days', 365),
      deliveryDays: settings.integer('keep_delivery_days', 30),
      logDays: settings.integer('keep_log_days', 90),
    },
  };
}
