import { scmKind } from '../scm/scm-id.ts';
import { skippedBranch } from './branch-rules.ts';
import { type Deployment, type DeploymentRef, refOf } from './deployment.ts';
import { type ClaimLimits, holdClaim } from './hold-claim.ts';
import type { Messages, PushMessage } from './messages.ts';
import type { Records } from './records.ts';

/** What beginning a deployment works with. */
export interface Beginning {
  readonly records: Records;
  readonly messages: Messages;
  /** Branches that are built, as in {@link skippedBranch}. */
  readonly buildBranches: readonly string[];
  /** How long git-tar may take until somebody else tries, and how often. */
  readonly claim: ClaimLimits;
  readonly now: () => number;
}

/**
 * Makes a push a deployment: records it, and starts what it needs. Any number of calls with the same
 * push come to the same end, also after one that was interrupted.
 *
 * @throws CloudError of the store and the queue; then the message can be sent again.
 */
export async function beginDeployment(
  deps: Beginning,
  push: PushMessage,
): Promise<'skipped' | 'started' | 'known'> {
  const { records } = deps;
  const deployment = withBranchRule(push, deps.buildBranches);
  const isNew = await records.begin(deployment);
  if (deployment.skip === undefined) {
    if (!isNew && (await records.isClosed(deployment))) return await finish(deps, deployment);
    await start(deps, deployment);
    if (isNew && deployment.origin === undefined)
      await audit(deps, deployment, `Push to ${deployment.branch} accepted`);
    return isNew ? 'started' : 'known';
  }
  await records.close(deployment, { state: 'skipped', text: deployment.skip, at: deps.now() });
  if (isNew) await audit(deps, deployment, deployment.skip);
  await finish(deps, deployment);
  return 'skipped';
}

function withBranchRule(push: PushMessage, buildBranches: readonly string[]): Deployment {
  const { defaultBranch, ...deployment } = push;
  const skip = push.skip ?? skippedBranch(push.branch, defaultBranch, buildBranches);
  return skip === undefined ? deployment : { ...deployment, skip };
}

/** A closed deployment of which the commit may not know yet. */
async function finish(deps: Beginning, deployment: Deployment): Promise<'known'> {
  const ref = refOf(deployment);
  if (!(await deps.records.isOpen(ref))) return 'known';
  if (deployment.skip === undefined) {
    await deps.messages.advance(ref);
  } else {
    await deps.messages.status(deployment);
  }
  return 'known';
}

async function start(deps: Beginning, deployment: Deployment): Promise<void> {
  const { records, messages } = deps;
  const { owner, repo, branch, id, origin } = deployment;
  const ref = refOf(deployment);
  await records.addHead(deployment);
  const newest = await records.newestHead(owner, repo, branch);
  if (newest === undefined || newest.id === id) await plan(deps, ref, origin);
  // A newer push was faster: whoever looks at the records closes this one.
  else await messages.advance(ref);
  await messages.status(deployment);
  for (const older of await othersOfBranch(records, deployment)) await messages.advance(older);
}

/** The plan of a roll-back is known, so nothing is fetched. */
async function plan(
  { records, messages, claim }: Beginning,
  ref: DeploymentRef,
  origin: Deployment['origin'],
): Promise<void> {
  if (origin?.kind === 'roll-back') return await messages.advance(ref);
  await holdClaim(records, ref, 'plan', claim, true, () => messages.plan(ref));
}

/** Deployments that this one may replace, so that they stop at once; each looks for itself. */
async function othersOfBranch(
  records: Records,
  { owner, repo, branch, id }: Deployment,
): Promise<DeploymentRef[]> {
  const open = (await records.open()).filter(
    (ref) => ref.owner === owner && ref.repo === repo && ref.id !== id,
  );
  const loaded = await Promise.all(open.map((ref) => records.load(ref)));
  return open.filter((_, index) => loaded[index]?.deployment.branch === branch);
}

function audit(
  { messages }: Beginning,
  { scm, owner, repo, id }: Deployment,
  message: string,
): Promise<void> {
  return messages.audit({ source: `${scmKind(scm)}-push`, message, owner, repo, deployment: id });
}
