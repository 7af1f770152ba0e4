import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { loadConfig, type Settings } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';
import { receiveMessage } from '#shared/messages/receive.ts';
import { once } from '#shared/once.ts';
import { garbageMessageSchema } from '#shared/pipeline/messages.ts';
import { loadPipeline } from '#shared/pipeline/pipeline.ts';
import { collect, collectSecrets, prune } from './collect.ts';
import { mayStart, sweep } from './sweep.ts';

const loaded = once(() => loadConfig(load));

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/**
 * Removes what an owner's repo no longer declares (a signed message says what stays), or, when called
 * on schedule with nothing, takes up deployments that are stuck.
 */
export default async (event: FunctionEvent, context: FunctionContext) => {
  const { pipeline, keepDeployments, maxAgeMs } = loaded();
  const { signer, gateway, records, messages, store } = pipeline;
  if (event.rawBody.length === 0) {
    if (!(await mayStart(store, Date.now()))) {
      throw new CloudError('OFC_BUSY', 'There was a sweep less than a minute ago.');
    }
    return sweep({ records, messages, maxAgeMs }, Date.now());
  }
  const message = receiveMessage(signer, 'garbage-collect', event, garbageMessageSchema);
  const removed = await collect(gateway, records, message);
  await collectSecrets(pipeline, message);
  if (message.repo !== '*') await prune(records, message.owner, message.repo, keepDeployments);
  const count = removed.length === 1 ? '1 function' : `${removed.length} functions`;
  const text = `Garbage collection ran for ${message.owner}/${message.repo}: ${count} deleted.`;
  if (removed.length > 0) {
    await messages.audit({ source: 'garbage-collect', message: text, owner: message.owner });
  }
  return context.status(200).succeed({ removed });
};

function load(settings: Settings) {
  return {
    pipeline: loadPipeline(settings, { admin: true }),
    keepDeployments: settings.integer('keep_deployments', 10, { min: 1 }),
    maxAgeMs: settings.duration('deployment_max_age', '1h'),
  };
}
