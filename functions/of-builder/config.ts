import { readBuilder, readContextLimits } from '#shared/buildkit/builder-settings.ts';
import type { Settings } from '#shared/config.ts';
import type { Signer } from '#shared/messages/signature.ts';
import { loadPipeline } from '#shared/pipeline/pipeline.ts';
import { pullName } from '#shared/registry/image-name.ts';
import { parsePrivateKey } from '#shared/sealed-box.ts';
import { createSecretsClient } from '#shared/sealed-secrets/secrets-messages.ts';
import type { Building } from './build-function.ts';
import { createClosedWatch } from './closed-watch.ts';
import { openLogSink } from './log-sink.ts';
import { createOwnerSlots, type OwnerSlots } from './owner-slots.ts';
import type { RemoteBuilds } from './remote-builds.ts';

/** What of-builder works with. */
export interface OfBuilder {
  readonly signer: Signer;
  readonly building: Building;
  readonly remote: RemoteBuilds;
  readonly slots: OwnerSlots;
}

/** Reads of-builder's settings. */
export function readConfig(settings: Settings): OfBuilder {
  const pipeline = loadPipeline(settings, { admin: false });
  const urls = {
    push: settings.text('push_repository_url'),
    pull: settings.text('repository_url'),
  };
  const limits = readContextLimits(settings);
  const builder = readBuilder(settings, limits);
  const logEveryMs = settings.duration('log_interval', '1s');
  const timeoutMs = settings.duration('build_timeout', '10m');
  const building: Building = {
    records: pipeline.records,
    store: pipeline.store,
    builder,
    secrets: createSecretsClient(pipeline.gateway, pipeline.signer),
    openLog: ({ deployment: { owner, repo, sha, id } }, key) =>
      openLogSink(
        pipeline.gateway,
        pipeline.signer,
        { owner, repo, sha, function: key, run: `${id}-${Date.now().toString(36)}` },
        logEveryMs,
      ),
    pullName: (image) => pullName(image, urls),
    timeoutMs,
    watchClosed: createClosedWatch(pipeline.records, settings.duration('cancel_interval', '250ms')),
  };
  const slots = createOwnerSlots(
    settings.integer('max_builds', 4, { min: 1, max: 100 }),
    settings.integer('max_owner_builds', 4, { min: 1, max: 100 }),
  );
  const sealing = [
    settings.optionalSecret('builder-private-key'),
    settings.optionalSecret('builder-private-key-previous'),
  ];
  const remote: RemoteBuilds = {
    builder,
    payloadSecret:
      settings.optionalSecret('builder-payload-secret') ?? settings.secret('payload-secret'),
    sealingKeys: sealing.flatMap((key) => (key === undefined ? [] : [parsePrivateKey(key)])),
    slots,
    limits,
    timeoutMs,
  };
  return { signer: pipeline.signer, building, remote, slots };
}
