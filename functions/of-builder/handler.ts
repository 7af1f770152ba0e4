import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { createHttpBuilder } from '#shared/builder/http-builder.ts';
import { loadConfig, type Settings } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';
import { receiveMessage } from '#shared/messages/receive.ts';
import type { Signer } from '#shared/messages/signature.ts';
import { once } from '#shared/once.ts';
import { buildMessageSchema } from '#shared/pipeline/messages.ts';
import { loadPipeline } from '#shared/pipeline/pipeline.ts';
import { pullName } from '#shared/registry/image-name.ts';
import { type Building, buildFunction } from './build-function.ts';
import { openLogSink } from './log-sink.ts';

interface OfBuilder {
  readonly signer: Signer;
  readonly building: Building;
  readonly maxBuilds: number;
}

const loaded = once(() => loadConfig(load));
let running = 0;

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/** Builds one function of a deployment; a full builder answers 429, and the queue tries again. */
export default async (event: FunctionEvent, context: FunctionContext) => {
  const { signer, building, maxBuilds } = loaded();
  if (event.method !== 'POST') throw new CloudError('OFC_METHOD', 'Only POST is supported.');
  const message = receiveMessage(signer, 'of-builder', event, buildMessageSchema);
  if (running >= maxBuilds) {
    return context.status(429).headers({ 'retry-after': '1' }).succeed('The builder is busy.');
  }
  running += 1;
  try {
    const record = await buildFunction(building, message, message.function);
    return context.status(200).succeed({ outcome: record?.outcome ?? 'ended' });
  } finally {
    running -= 1;
  }
};

function load(settings: Settings): OfBuilder {
  const pipeline = loadPipeline(settings, { admin: false });
  const urls = {
    push: settings.text('push_repository_url'),
    pull: settings.text('repository_url'),
  };
  const logEveryMs = settings.duration('log_interval', '1s');
  const building: Building = {
    records: pipeline.records,
    store: pipeline.store,
    builder: createHttpBuilder(settings.url('builder_url'), settings.secret('payload-secret')),
    openLog: ({ deployment: { owner, repo, sha, id } }, key) =>
      openLogSink(
        pipeline.gateway,
        pipeline.signer,
        { owner, repo, sha, function: key, run: `${id}-${Date.now().toString(36)}` },
        logEveryMs,
      ),
    pullName: (image) => pullName(image, urls),
    timeoutMs: settings.duration('build_timeout', '10m'),
    watchMs: settings.duration('cancel_interval', '1s'),
  };
  const maxBuilds = settings.integer('max_builds', 4, { min: 1, max: 100 });
  return { signer: pipeline.signer, building, maxBuilds };
}
