import { setTimeout as delay } from 'node:timers/promises';
import { CloudError, toCloudError } from '#shared/errors.ts';
import type { FunctionDeployment, FunctionStatus } from '#shared/gateway/function-status.ts';
import type { GatewayClient } from '#shared/gateway/gateway-client.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import { belongsTo, cloudLabel } from '#shared/pipeline/labels.ts';

/** What a roll-out works with. */
export interface RollOut {
  readonly gateway: Pick<GatewayClient, 'get' | 'deploy' | 'remove' | 'invoke'>;
  /** How long the new replica may take until it answers, in milliseconds. */
  readonly timeoutMs: number;
  /** The spec of what an earlier deployment of ours put in place, to go back to. */
  readonly earlierSpec: (running: FunctionStatus) => Promise<FunctionDeployment | undefined>;
}

/**
 * Deploys one function and waits until it answers. If it never does, what ran before is put back,
 * or the function is removed if there was nothing.
 *
 * @throws CloudError `OFC_NAME_TAKEN` without touching anything if the name is somebody else's;
 * `OFC_DEPLOY_FAILED` after putting things back; `OFC_UPSTREAM` if the gateway fails.
 */
export async function rollOut(
  { gateway, timeoutMs, earlierSpec }: RollOut,
  deployment: Deployment,
  spec: FunctionDeployment,
): Promise<void> {
  const running = await gateway.get(spec.service);
  if (running !== undefined) assertOurs(running, deployment);
  const earlier = running === undefined ? undefined : await earlierSpec(running);
  try {
    await gateway.deploy(spec);
    await untilReady(gateway, spec.service, timeoutMs);
  } catch (error) {
    const failure = toCloudError(error);
    if (failure.kind === 'user') await putBack(gateway, spec.service, running, earlier);
    throw failure;
  }
}

/** A name can be ours, the platform's, another owner's, or taken by another repo of this owner. */
function assertOurs(running: FunctionStatus, deployment: Deployment): void {
  if (!belongsTo(running, deployment.owner)) {
    throw new CloudError(
      'OFC_NAME_TAKEN',
      `The name "${running.name}" is taken by the platform or by another owner.`,
      { hint: 'Give the function another name in stack.yml.' },
    );
  }
  const repoId = running.labels?.[cloudLabel.repoId];
  if (repoId !== undefined && repoId !== String(deployment.repoId)) {
    const repo = running.labels?.[cloudLabel.repo] ?? 'another repo';
    throw new CloudError(
      'OFC_NAME_TAKEN',
      `The function "${running.name}" is deployed from your repo "${repo}".`,
      { hint: 'Rename it here, or remove it there first.' },
    );
  }
}

async function untilReady(
  gateway: RollOut['gateway'],
  service: string,
  timeoutMs: number,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (let waitMs = 10; ; waitMs = Math.min(waitMs * 1.3, 1000)) {
    const status = await gateway.get(service);
    if (status?.failure !== undefined) throw neverReady(status.failure);
    if (status !== undefined && status.availableReplicas > 0) {
      // A template without a readiness route answers this path itself: any answer but 5xx will do.
      const { status: code } = await gateway.invoke(service, { method: 'GET', path: '/_/ready' });
      if (code < 500) return;
    }
    if (Date.now() > deadline) {
      throw neverReady(`it did not answer within ${Math.round(timeoutMs / 1000)} s.`);
    }
    await delay(waitMs);
  }
}

async function putBack(
  gateway: RollOut['gateway'],
  service: string,
  running: FunctionStatus | undefined,
  earlier: FunctionDeployment | undefined,
): Promise<void> {
  if (running === undefined) await gateway.remove(service);
  else if (earlier !== undefined) await gateway.deploy(earlier);
}

function neverReady(why: string): CloudError {
  return new CloudError('OFC_DEPLOY_FAILED', `The new replica did not become ready: ${why}`, {
    hint: 'Look for an error at start-up, a missing variable or a missing secret.',
  });
}
