import { setTimeout as delay } from 'node:timers/promises';
import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { loadConfig, type Settings } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';
import { verifyCallbackQuery } from '#shared/messages/callback-url.ts';
import { receiveMessage, singleHeader } from '#shared/messages/receive.ts';
import type { Signer } from '#shared/messages/signature.ts';
import { parseFunctionKey, parseOwner, parseRepoName } from '#shared/names.ts';
import { countingVerdicts } from '#shared/observe/deployment-metrics.ts';
import { observed } from '#shared/observe/observed.ts';
import { once } from '#shared/once.ts';
import type { Claims } from '#shared/pipeline/claims.ts';
import {
  type DeploymentRef,
  deploymentRefSchema,
  parseDeploymentId,
} from '#shared/pipeline/deployment.ts';
import { loadPipeline } from '#shared/pipeline/pipeline.ts';
import { sharingReads } from '#shared/pipeline/sharing-reads.ts';
import { type Claimable, claimName } from '#shared/pipeline/states.ts';
import { createPublicUrls } from '#shared/public-urls.ts';
import { type Advancing, advance } from './advance.ts';
import { createDeploy, createIsLive } from './deploy.ts';
import type { TenantLimits } from './function-deployment.ts';

const step = observed('buildshiprun');

interface BuildShipRun {
  readonly signer: Signer;
  readonly advancing: Advancing;
}

const minPauseMs = 1000;
const longestPauseMs = 10_000;

const loaded = once(() => loadConfig(load));

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/**
 * Drives a deployment: starts builds, rolls out what is built, closes what is done. Called with a
 * signed message that names the deployment, or with the queue's callback after git-tar or of-builder.
 */
export default step.classic(async (event: FunctionEvent, context: FunctionContext) => {
  const { signer, advancing } = loaded();
  if (event.method !== 'POST') throw new CloudError('OFC_METHOD', 'Only POST is supported.');
  const ref =
    event.rawQuery === ''
      ? receiveMessage(signer, 'buildshiprun', event, deploymentRefSchema)
      : await receiveCallback(signer, advancing, event);
  const { closed } = await advance(advancing, ref);
  return context.status(200).succeed({ id: ref.id, state: closed?.state ?? 'open' });
});

/** What it counts of its own step. */
export const metrics = () => step.metrics.render();
/** Sends on the spans that wait. */
export const { close } = step;

/** A callback is a nudge: what the step achieved is in its records, whatever the answer says. */
async function receiveCallback(
  signer: Signer,
  { records }: Advancing,
  event: FunctionEvent,
): Promise<DeploymentRef> {
  const query = verifyCallbackQuery(signer, 'buildshiprun', event.rawQuery);
  const ref = {
    owner: parseOwner(query['owner']),
    repo: parseRepoName(query['repo']),
    id: parseDeploymentId(query['id']),
  };
  const status = Number(singleHeader(event, 'x-function-status'));
  if (!(status >= 200 && status < 300)) {
    const claim = parseClaim(query['claim']);
    if (status === 429) await waitForTurn(records, ref, claim, singleHeader(event, 'retry-after'));
    else await records.releaseClaim(ref, claim);
  }
  return ref;
}

/**
 * A full builder is no failed try. A queue that tries again by itself seldom lets that come this far; with
 * others the wait is here, if it is short, and the sweeper's if it is longer.
 */
async function waitForTurn(
  records: Pick<Claims, 'postponeClaim'>,
  ref: DeploymentRef,
  claim: Claimable,
  retryAfter: string | undefined,
): Promise<void> {
  const asked = /^\d{1,4}$/.test(retryAfter ?? '') ? Number(retryAfter) * 1000 : 0;
  const pauseMs = await records.postponeClaim(ref, claim, Math.max(asked, minPauseMs));
  if (pauseMs <= longestPauseMs) await delay(pauseMs);
}

function parseClaim(text: string | undefined): Claimable {
  if (text === 'plan') return 'plan';
  const match = /^(build)\/(.+)$/.exec(text ?? '');
  if (match === null) throw new CloudError('OFC_BAD_REQUEST', 'The callback names no step.');
  return claimName('build', parseFunctionKey(match[2]));
}

function load(settings: Settings): BuildShipRun {
  const { records: store, ...pipeline } = loadPipeline(settings, { admin: true });
  const records = countingVerdicts(sharingReads(store), step.metrics.registry);
  const deploy = createDeploy({
    gateway: pipeline.gateway,
    records,
    urls: createPublicUrls({
      publicUrl: settings.url('gateway_public_url', 'http://127.0.0.1:8080'),
      prettyUrl: settings.text('gateway_pretty_url', ''),
    }),
    limits: tenantLimits(settings),
    timeoutMs: settings.duration('deploy_timeout', '2m'),
  });
  const advancing: Advancing = {
    records,
    messages: pipeline.messages,
    deploy,
    isLive: createIsLive(pipeline.gateway),
    maxParallelBuilds: settings.integer('max_parallel_builds', 4, { min: 1, max: 100 }),
    leaseMs: settings.duration('step_lease', '15m'),
    maxAttempts: settings.integer('step_attempts', 3, { min: 1, max: 20 }),
  };
  return { signer: pipeline.signer, advancing };
}

function tenantLimits(settings: Settings): TenantLimits {
  const cpu = settings.integer('function_cpu_limit_milli', 0);
  const cpuRequest = settings.integer('function_cpu_requests_milli', 0);
  return {
    memory: `${settings.integer('function_memory_limit_mb', 128, { min: 16 })}Mi`,
    cpu: cpu === 0 ? undefined : `${cpu}m`,
    cpuRequest: cpuRequest === 0 ? undefined : `${cpuRequest}m`,
    readOnlyRootFilesystem: settings.flag('readonly_root_filesystem', true),
    scaleMin: settings.integer('scaling_min_limit', 1, { min: 1 }),
    scaleMax: settings.integer('scaling_max_limit', 4, { min: 1 }),
    scaleFactor: settings.integer('scaling_factor', 20, { min: 1, max: 100 }),
    scaleToZero: settings.flag('scaling_to_zero', true),
  };
}
