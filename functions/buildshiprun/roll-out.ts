import { setTimeout as delay } from 'node:timers/promises';
import { CloudError, toCloudError } from '#shared/errors.ts';
import type { FunctionDeployment, FunctionStatus } from '#shared/gateway/function-status.ts';
import type { GatewayClient } from '#shared/gateway/gateway-client.ts';
import { labelValue } from '#shared/names.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import { belongsTo, cloudLabel, secretsAnnotation } from '#shared/pipeline/labels.ts';
import { readableFailure } from './start-failure.ts';

/** No process is up sooner than that, and each look costs. */
const firstWaitMs = 50;

/** How long a replica may take for one answer. */
const answerTimeoutMs = 10_000;

/** What a roll-out works with. */
export interface RollOut {
  readonly gateway: Pick<GatewayClient, 'get' | 'deploy' | 'remove' | 'invoke'>;
  /** How long the new replica may take until it answers, in milliseconds. */
  readonly timeoutMs: number;
  /** The handler's folder in the repo, for messages. */
  readonly handler?: string | undefined;
  /** The spec of what an earlier deployment of ours put in place, to go back to; if this very one
   * is running, after an interruption, that of the last one before it. */
  readonly earlierSpec: (running: FunctionStatus) => Promise<FunctionDeployment | undefined>;
  /** Whether no newer push of the branch is known. Ids do not tell: webhooks can overtake each other. */
  readonly isNewest: () => Promise<boolean>;
}

/**
 * Deploys one function and waits until it answers. If it never does, what ran before is put back,
 * or the function is removed if there was nothing.
 *
 * @throws CloudError `OFC_NAME_TAKEN` without touching anything if the name is somebody else's;
 * `OFC_CONFLICT` if a newer push was faster; `OFC_DEPLOY_FAILED` after putting things back;
 * `OFC_UPSTREAM` if the gateway fails.
 */
export async function rollOut(
  rolling: RollOut,
  deployment: Deployment,
  spec: FunctionDeployment,
): Promise<void> {
  const { gateway, earlierSpec } = rolling;
  const running = await gateway.get(spec.service);
  if (running !== undefined) {
    assertOurs(running, deployment);
    await assertNotOvertaken(rolling, running, deployment);
  }
  try {
    await gateway.deploy(spec);
    if (running !== undefined && isSameReplica(running, spec)) return;
    await untilReady(rolling, deployment, spec.service);
  } catch (error) {
    const failure = toCloudError(error);
    if (failure.kind === 'user') {
      const earlier = running === undefined ? undefined : await earlierSpec(running);
      await putBack(gateway, deployment, running, spec, earlier);
    }
    throw failure;
  }
}

/**
 * Whether only labels and annotations differ: what answers now answers on, or was stopped for want of
 * requests. A replica that has not come up yet is waited for, whoever asked for it. A gateway that does
 * not tell the environment (OpenFaaS CE) never gets a yes.
 */
function isSameReplica(running: FunctionStatus, spec: FunctionDeployment): boolean {
  const parts = (spec: Partial<FunctionDeployment>) => {
    const { image, envVars, secrets, envProcess, limits, annotations } = spec;
    return JSON.stringify([
      image,
      annotations?.[secretsAnnotation],
      Object.entries(envVars ?? {}).sort(),
      [...(secrets ?? [])].sort(),
      envProcess ?? '',
      Object.entries(limits ?? {}).sort(),
    ]);
  };
  const told = running.envVars !== undefined && running.failure === undefined;
  const isUp = running.availableReplicas > 0 || running.replicas === 0;
  return told && isUp && parts(running as Partial<FunctionDeployment>) === parts(spec);
}

/**
 * A name can be ours, the platform's, another owner's (also one who had this login before or has it at another SCM), or taken
 * by another repo of this owner.
 */
function assertOurs(running: FunctionStatus, deployment: Deployment): void {
  const labels = running.labels ?? {};
  // The original wrote 0 for every owner.
  const ownerId = labels[cloudLabel.ownerId] ?? '0';
  const sameScm = (labels[cloudLabel.scm] ?? 'github') === deployment.scm;
  const sameOwner = sameScm && (ownerId === '0' || ownerId === String(deployment.ownerId));
  if (!belongsTo(running, deployment.owner) || !sameOwner) {
    throw new CloudError(
      'OFC_NAME_TAKEN',
      `The name "${running.name}" is taken by the platform or by another owner.`,
      { hint: 'Give the function another name in stack.yml.' },
    );
  }
  const repoId = labels[cloudLabel.repoId];
  const repo = labels[cloudLabel.repo];
  const sameRepo =
    repoId === undefined
      ? repo === labelValue(deployment.repo)
      : repoId === String(deployment.repoId);
  if (!sameRepo) {
    throw new CloudError(
      'OFC_NAME_TAKEN',
      `The function "${running.name}" is deployed from your repo "${repo ?? 'of another name'}".`,
      { hint: 'Rename it here, or remove it there first.' },
    );
  }
}

/** A newer push of the branch can have been faster. */
async function assertNotOvertaken(
  { isNewest }: RollOut,
  running: FunctionStatus,
  { branch, id }: Deployment,
): Promise<void> {
  const sameBranch = running.labels?.[cloudLabel.branch] === labelValue(branch);
  if (!sameBranch || idOf(running) <= id || (await isNewest())) return;
  throw new CloudError('OFC_CONFLICT', `A newer push has deployed "${running.name}".`);
}

/**
 * Waits for a ready replica of our own spec. A gateway can still tell of the one before for a moment,
 * and a newer push can take over meanwhile.
 */
async function untilReady(
  rolling: RollOut,
  deployment: Deployment,
  service: string,
): Promise<void> {
  const { gateway, timeoutMs, handler } = rolling;
  const deadline = Date.now() + timeoutMs;
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 1.3, 1000)) {
    const status = await gateway.get(service);
    if (status !== undefined) await assertNotOvertaken(rolling, status, deployment);
    if (status !== undefined && idOf(status) === deployment.id) {
      if (status.failure !== undefined) throw neverReady(readableFailure(status.failure, handler));
      if (status.availableReplicas > 0 && (await answers(gateway, service))) return;
    }
    if (Date.now() > deadline) {
      throw neverReady(`it did not answer within ${Math.round(timeoutMs / 1000)} s.`);
    }
    await delay(waitMs);
  }
}

/** A template without a readiness route answers this path itself: any answer but 5xx will do. */
async function answers(gateway: RollOut['gateway'], service: string): Promise<boolean> {
  const request = { method: 'GET', path: '/_/ready', timeoutMs: answerTimeoutMs } as const;
  return gateway.invoke(service, request).then(
    ({ status }) => status < 500,
    () => false,
  );
}

/** Leaves alone what is not, or no longer, the replica that we put in place. */
async function putBack(
  gateway: RollOut['gateway'],
  { id }: Deployment,
  running: FunctionStatus | undefined,
  spec: FunctionDeployment,
  earlier: FunctionDeployment | undefined,
): Promise<void> {
  const now = await gateway.get(spec.service);
  if (now === undefined || idOf(now) !== id) return;
  if (earlier !== undefined) await gateway.deploy(earlier);
  else if (running === undefined || idOf(running) === id) await gateway.remove(spec.service);
}

function idOf({ labels }: FunctionStatus): string {
  return labels?.[cloudLabel.deployment] ?? '';
}

function neverReady(why: string): CloudError {
  return new CloudError('OFC_DEPLOY_FAILED', `The new replica did not become ready: ${why}`, {
    hint: 'Look for an error at start-up, a missing variable or a missing secret.',
  });
}
