import type { Readable } from 'node:stream';
import { inRepo } from '#shared/build-log/in-repo.ts';
import type { Builder, BuiltImage } from '#shared/builder/builder.ts';
import { deadline } from '#shared/deadline.ts';
import { CloudError, toCloudError } from '#shared/errors.ts';
import type { FunctionKey } from '#shared/names.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { builtImageKey } from '#shared/pipeline/built-images.ts';
import { type Deployment, type DeploymentRef, refOf } from '#shared/pipeline/deployment.ts';
import type { BuildRecord, PlannedFunction } from '#shared/pipeline/plan.ts';
import type { Records } from '#shared/pipeline/records.ts';
import type { DeploymentRecords } from '#shared/pipeline/states.ts';
import { createRedactor } from '#shared/redact.ts';
import type { SecretsClient } from '#shared/sealed-secrets/secrets-messages.ts';
import type { WatchClosed } from './closed-watch.ts';
import type { LogSink } from './log-sink.ts';

/** What building works with. */
export interface Building {
  readonly records: Records;
  readonly store: ObjectStore;
  readonly builder: Builder;
  /** Opens what an owner sealed for a build. */
  readonly secrets: Pick<SecretsClient, 'open'>;
  /** Where the log of this run goes. */
  readonly openLog: (records: DeploymentRecords, key: FunctionKey) => LogSink;
  /** From the reference that was pushed to the one the cluster pulls. */
  readonly pullName: (image: string) => string;
  readonly timeoutMs: number;
  /** Tells whether the deployment was superseded meanwhile. */
  readonly watchClosed: WatchClosed;
}

/**
 * Builds one function of a deployment and records the end. Does nothing if it is recorded already,
 * or if the deployment is closed; a deployment that is closed meanwhile ends the build.
 *
 * @throws CloudError of kind `retry` if the builder or the store fails; then nothing is recorded.
 */
export async function buildFunction(
  deps: Building,
  ref: DeploymentRef,
  key: FunctionKey,
): Promise<BuildRecord | undefined> {
  const records = await deps.records.loadFor(ref, key);
  if (records?.plan?.outcome !== 'planned') {
    throw new CloudError('OFC_NOT_FOUND', `Deployment ${ref.id} has no plan to build from.`);
  }
  const fn = records.plan.functions.find((planned) => planned.key === key);
  if (fn === undefined) throw new CloudError('OFC_NOT_FOUND', `There is no function ${key}.`);
  const done = records.builds.get(key);
  if (done !== undefined || records.closed !== undefined) return done;

  const log = deps.openLog(records, key);
  try {
    const record = await run(deps, records, fn, log);
    // The log first: the check that the record brings about shows its end.
    await log.close();
    if (record !== undefined) await deps.records.recordBuild(ref, key, record);
    return record;
  } catch (error) {
    await log.close();
    throw error;
  }
}

async function run(
  deps: Building,
  records: DeploymentRecords,
  fn: PlannedFunction,
  log: LogSink,
): Promise<BuildRecord | undefined> {
  const ref = refOf(records.deployment);
  const started = Date.now();
  const watch = deps.watchClosed(ref);
  const limit = deadline(deps.timeoutMs, watch.signal);
  // The commit's time, not the push's: the same source gives the same image.
  const committedAt = records.plan?.outcome === 'planned' ? records.plan.committedAt : undefined;
  const createdAt = new Date(committedAt ?? records.deployment.receivedAt);
  let redact = createRedactor([]);
  let lastLine = '';
  try {
    const ids = fn.buildSecrets ?? [];
    const secrets = ids.length === 0 ? undefined : await deps.secrets.open(ref, ids);
    redact = createRedactor(secrets?.values() ?? []);
    const built = await deps.builder.build({
      context: {
        open: () => openContext(deps, ref, fn.key),
        digest: fn.contextDigest,
      },
      image: fn.image,
      scope: `${ref.owner}/${ref.repo}`,
      labels: imageLabels(records.deployment, createdAt),
      createdAt,
      buildArgs: fn.buildArgs,
      secrets,
      onLog: (line) => {
        lastLine = redact(inRepo(line, fn.handler));
        log.write(lastLine);
      },
      signal: limit.signal,
    });
    const image = byDigest(deps.pullName(built.image), built);
    const record: BuildRecord = {
      outcome: 'built',
      image,
      cached: false,
      seconds: (Date.now() - started) / 1000,
      at: Date.now(),
    };
    await deps.store.put(builtImageKey(ref.owner, fn.buildKey), JSON.stringify({ image }));
    return record;
  } catch (error) {
    const failure = toCloudError(error);
    if (watch.signal.aborted) return undefined;
    const said = redact(inRepo(failure.text, fn.handler));
    // As a rule the builder has logged it, and its hint leads to this log.
    const message = redact(inRepo(failure.message, fn.handler));
    if (lastLine === '' || !message.endsWith(lastLine)) log.write(message);
    if (failure.kind === 'retry' && failure.code !== 'OFC_TIMEOUT') throw failure;
    const text =
      failure.code === 'OFC_TIMEOUT'
        ? `The build took longer than ${Math.round(deps.timeoutMs / 1000)} s.`
        : said;
    return { outcome: 'failed', code: failure.code, text, at: Date.now() };
  } finally {
    watch.stop();
    limit.clear();
  }
}

async function openContext(
  { store, records }: Building,
  ref: DeploymentRef,
  key: FunctionKey,
): Promise<Readable> {
  const found = await store.getStream(records.contextKey(ref, key));
  if (found === undefined) throw new CloudError('OFC_NOT_FOUND', 'The build context is gone.');
  return found.body;
}

/** @see https://github.com/opencontainers/image-spec/blob/main/annotations.md */
function imageLabels({ repoUrl, sha }: Deployment, createdAt: Date): Record<string, string> {
  return {
    'org.opencontainers.image.source': repoUrl,
    'org.opencontainers.image.revision': sha,
    'org.opencontainers.image.created': createdAt.toISOString(),
  };
}

function byDigest(image: string, { digest }: BuiltImage): string {
  return digest === undefined || image.includes('@') ? image : `${image}@${digest}`;
}
