import { CloudError, toCloudError } from '#shared/errors.ts';
import { joinTrace } from '#shared/observe/trace-context.ts';
import { type Deployment, type DeploymentRef, refOf } from '#shared/pipeline/deployment.ts';
import { failedRecord } from '#shared/pipeline/failed-record.ts';
import { holdClaim } from '#shared/pipeline/hold-claim.ts';
import type { Messages } from '#shared/pipeline/messages.ts';
import { type Action, nextActions } from '#shared/pipeline/next-actions.ts';
import type { PlannedFunction } from '#shared/pipeline/plan.ts';
import type { Records } from '#shared/pipeline/records.ts';
import { claimName, type DeploymentRecords } from '#shared/pipeline/states.ts';
import { mustBeTold } from '#shared/pipeline/tell.ts';
import { copyPlan } from './copy-plan.ts';

/** What advancing a deployment works with. */
export interface Advancing {
  readonly records: Records;
  readonly messages: Messages;
  /** Rolls one function out and gives its public URL. */
  readonly deploy: (
    records: DeploymentRecords,
    fn: PlannedFunction,
    image: string,
  ) => Promise<string>;
  /** Whether a version of a function from this repo is deployed. */
  readonly isLive: (records: DeploymentRecords, fn: PlannedFunction) => Promise<boolean>;
  readonly maxParallelBuilds: number;
  /** How long plan, build and deploy may take before somebody else tries, in milliseconds. */
  readonly leaseMs: number;
  readonly maxAttempts: number;
}

/** Rounds in one call; each makes progress, so this only bounds a fault of ours. */
const maxRounds = 50;

/**
 * Does whatever a deployment needs next, until it is closed or waits for another step.
 *
 * @throws CloudError `OFC_NOT_FOUND` if there is no such deployment; `retry` errors of the store and
 * the gateway, after which the call can be made again.
 */
export async function advance(deps: Advancing, ref: DeploymentRef): Promise<DeploymentRecords> {
  for (let round = 0; round < maxRounds; round += 1) {
    const records = await deps.records.load(ref);
    if (records === undefined) {
      throw new CloudError('OFC_NOT_FOUND', `There is no deployment ${ref.id}.`);
    }
    joinTrace(records.deployment.trace);
    if (records.closed !== undefined) {
      if (await deps.records.isOpen(ref)) await followUp(deps, records);
      return records;
    }
    const supersededBy = await newerThan(deps.records, records.deployment);
    const { maxParallelBuilds } = deps;
    const actions = nextActions(records, { supersededBy, maxParallelBuilds });
    const progress = await allOf(actions.map((action) => execute(deps, records, action)));
    if (!progress.includes('moved')) {
      if (progress.includes('sent')) await deps.messages.status(records.deployment);
      return records;
    }
    await deps.messages.status(records.deployment);
  }
  throw new CloudError('OFC_INTERNAL', `Deployment ${ref.id} does not come to an end.`);
}

/**
 * The commit of a newer push, in short. The head of this one may be missing, if whoever began it was
 * interrupted: without it an older push would look like the newest.
 */
async function newerThan(records: Records, deployment: Deployment): Promise<string | undefined> {
  const { owner, repo, branch, id, skip } = deployment;
  let head = await records.newestHead(owner, repo, branch);
  if (head !== undefined && head.id !== id && skip === undefined) {
    await records.addHead(deployment);
    head = await records.newestHead(owner, repo, branch);
  }
  return head === undefined || head.id === id ? undefined : head.sha.slice(0, 7);
}

/** `moved`: there are new records; `sent`: another function works on it; `waiting`: it does already. */
type Progress = 'moved' | 'sent' | 'waiting';

async function execute(
  deps: Advancing,
  records: DeploymentRecords,
  action: Action,
): Promise<Progress> {
  const ref = refOf(records.deployment);
  if (action.do === 'close') {
    const text = action.text + (action.state === 'failed' ? await stillLive(deps, records) : '');
    await deps.records.close(ref, { state: action.state, text, at: Date.now() });
    return 'moved';
  }
  const claim = action.do === 'plan' ? 'plan' : claimName(action.do, action.fn.key);
  const { leaseMs, maxAttempts } = deps;
  const limits = { leaseMs, maxAttempts };
  const { origin } = records.deployment;
  const copies = action.do === 'plan' && origin?.kind === 'roll-back';
  const handsOver = action.do !== 'deploy' && !copies;
  try {
    const result = await holdClaim(deps.records, ref, claim, limits, handsOver, () =>
      work(deps, records, action),
    );
    if (result === 'held') return 'waiting';
    if (result === 'exhausted') await giveUp(deps, ref, action);
    return result === 'won' && handsOver ? 'sent' : 'moved';
  } catch (error) {
    // A newer push was faster: the next round finds this one superseded.
    if (toCloudError(error).code === 'OFC_CONFLICT') return 'moved';
    throw error;
  }
}

/** What ran before, of the functions that failed, goes on: said only where there was something. */
async function stillLive({ isLive }: Advancing, records: DeploymentRecords): Promise<string> {
  const { plan, deploys } = records;
  if (plan?.outcome !== 'planned') return '';
  const failed = plan.functions.filter(({ key }) => deploys.get(key)?.outcome !== 'live');
  const live = await Promise.all(
    // A gateway that does not answer now must not keep the verdict back.
    failed.map((fn) => isLive(records, fn).catch(() => false)),
  );
  const keys = failed.filter((_, index) => live[index]).map(({ key }) => key);
  return keys.length === 0 ? '' : ` Still live in the version before: ${keys.join(', ')}.`;
}

/** Waits for all, also if one fails: nothing goes on behind the back of a call that has ended. */
async function allOf<T>(running: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(running);
  return Promise.all(running);
}

async function work(
  deps: Advancing,
  records: DeploymentRecords,
  action: Exclude<Action, { do: 'close' }>,
): Promise<void> {
  const ref = refOf(records.deployment);
  const { deployment } = records;
  if (action.do === 'plan' && deployment.origin?.kind === 'roll-back') {
    return copyPlan(deps.records, deployment, deployment.origin.of);
  }
  if (action.do === 'plan') return deps.messages.plan(ref);
  if (action.do === 'build') return deps.messages.build(ref, action.fn.key);
  try {
    const url = await deps.deploy(records, action.fn, action.image);
    await deps.records.recordDeploy(ref, action.fn.key, { outcome: 'live', url, at: Date.now() });
  } catch (error) {
    const failure = toCloudError(error);
    if (failure.kind === 'retry') throw failure;
    await deps.records.recordDeploy(ref, action.fn.key, failedRecord(failure));
  }
}

/** The last attempt is over: the commit says so. */
async function giveUp(
  { records, maxAttempts }: Advancing,
  ref: DeploymentRef,
  action: Exclude<Action, { do: 'close' }>,
): Promise<void> {
  const what = { plan: 'Reading the repo', build: 'The build', deploy: 'The roll-out' }[action.do];
  const failure = failedRecord(
    new CloudError('OFC_STUCK', `${what} did not come to an end in ${maxAttempts} attempts.`, {
      hint: 'Push again or redeliver the webhook; if it happens again, ask the operator.',
    }),
  );
  if (action.do === 'plan') await records.recordPlan(ref, failure);
  else if (action.do === 'build') await records.recordBuild(ref, action.fn.key, failure);
  else await records.recordDeploy(ref, action.fn.key, failure);
}

/** Has everybody told about the verdict who does not know it yet; the sweeper repeats this until they do. */
async function followUp({ records, messages }: Advancing, done: DeploymentRecords): Promise<void> {
  const { deployment, closed, plan } = done;
  const ref = refOf(deployment);
  const told = await records.told(ref);
  const missing = mustBeTold(done).filter((each) => !told.has(each));
  if (missing.length === 0) return records.settle(ref);
  if (missing.includes('status')) await messages.status(deployment);
  if (missing.includes('garbage') && plan?.outcome === 'planned') {
    await messages.collectGarbage({
      owner: deployment.owner,
      repo: deployment.repo,
      functions: plan.functions.map(({ key }) => key),
      from: { scm: deployment.scm, repoId: deployment.repoId },
      of: { branch: deployment.branch, id: deployment.id },
    });
  }
  if (closed?.state === 'skipped' || !(await records.recordTold(ref, 'audit'))) return;
  await messages.audit({
    source: 'buildshiprun',
    message: `${closed?.state}: ${closed?.text}`,
    owner: deployment.owner,
    repo: deployment.repo,
    deployment: deployment.id,
  });
}
