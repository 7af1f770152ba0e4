import { randomUUID } from 'node:crypto';
import { CloudError } from '../errors.ts';
import type { Owner, RepoName } from '../names.ts';
import { currentTraceparent } from '../observe/trace-context.ts';
import { beginDeployment } from './begin-deployment.ts';
import { type Deployment, deploymentId, type Origin, refOf } from './deployment.ts';
import type { ClaimLimits } from './hold-claim.ts';
import type { Messages } from './messages.ts';
import type { Records } from './records.ts';
import type { DeploymentRecords } from './states.ts';

/** What people's actions on deployments work with. */
export interface Acting {
  readonly records: Records;
  readonly messages: Messages;
  /** How long git-tar may take until somebody else tries, and how often. */
  readonly claim: ClaimLimits;
  readonly now: () => number;
}

/** Who acts, as the audit trail names them. */
export interface Actor {
  readonly subject: string;
  readonly login: string;
}

/**
 * Puts the images of a deployment that was live in place again, by a new deployment: nothing is fetched
 * and nothing is built. It stands until somebody pushes to the branch.
 *
 * @returns the new deployment
 * @throws CloudError `OFC_BAD_REQUEST` if that one was never live; those of the store and the queue
 */
export async function rollBack(
  deps: Acting,
  source: DeploymentRecords,
  by: Actor,
): Promise<Deployment> {
  if (source.closed?.state !== 'live') {
    throw new CloudError('OFC_BAD_REQUEST', 'This deployment was never live as a whole.', {
      hint: 'Choose one that was, or redeploy this one.',
    });
  }
  return await again(deps, source, { kind: 'roll-back', of: source.deployment.id }, by);
}

/**
 * Deploys a commit again as if it had just been pushed: what is unchanged is not built again.
 *
 * @returns the new deployment
 * @throws CloudError `OFC_BAD_REQUEST` if it still goes on or was not to be built; those of the store
 * and the queue
 */
export async function redeploy(
  deps: Acting,
  source: DeploymentRecords,
  by: Actor,
): Promise<Deployment> {
  if (source.closed === undefined) {
    throw new CloudError('OFC_BAD_REQUEST', 'This deployment still goes on.', {
      hint: 'Wait for its end, or cancel it first.',
    });
  }
  if (source.closed.state === 'skipped') {
    throw new CloudError('OFC_BAD_REQUEST', `This push is not built: ${source.closed.text}`);
  }
  return await again(deps, source, { kind: 'redeploy', of: source.deployment.id }, by);
}

/**
 * Ends a deployment that goes on: its builds stop, and what is rolled out already stays.
 *
 * @throws CloudError `OFC_BAD_REQUEST` if it has ended; those of the store and the queue
 */
export async function cancel(
  { records, messages, now }: Acting,
  { deployment }: DeploymentRecords,
  by: Actor,
): Promise<void> {
  const ref = refOf(deployment);
  const text = `Cancelled by ${by.login}.`;
  if (!(await records.close(ref, { state: 'cancelled', text, at: now() }))) {
    throw new CloudError('OFC_BAD_REQUEST', 'This deployment has ended already.');
  }
  await messages.advance(ref);
  await audit(messages, deployment, by, `${by.login} cancelled the deployment`);
}

/**
 * Has a function removed, whichever repo it came from. A later push that declares it brings it back.
 *
 * @param fn The owner, the name in stack.yml, and the SCM it came from.
 * @throws CloudError of the queue
 */
export async function deleteFunction(
  { messages }: Pick<Acting, 'messages'>,
  fn: { readonly owner: Owner; readonly key: string; readonly scm: Deployment['scm'] },
  by: Actor,
): Promise<void> {
  const { owner, key, scm } = fn;
  await messages.collectGarbage({ owner, repo: '*', functions: [], only: [key], from: { scm } });
  await audit(messages, { owner }, by, `${by.login} deleted the function ${key}`);
}

/**
 * Has a repo removed as if it were gone: functions, sealed secrets, deployments and logs, and what is at
 * work is cancelled. A later push brings the repo back.
 *
 * @param of Any deployment of the repo.
 * @throws CloudError of the queue
 */
export async function removeRepo(
  { messages }: Pick<Acting, 'messages'>,
  of: Deployment,
  by: Actor,
): Promise<void> {
  const { owner, repo, scm, repoId } = of;
  await messages.collectGarbage({ owner, repo, functions: [], from: { scm, repoId } });
  await audit(messages, { owner, repo }, by, `${by.login} removed the repo ${repo}`);
}

async function again(
  { records, messages, claim, now }: Acting,
  { deployment: source }: DeploymentRecords,
  origin: Omit<Origin, 'by'>,
  by: Actor,
): Promise<Deployment> {
  const { owner, repo, branch, sha } = source;
  const receivedAt = now();
  // It follows what was pushed last, so that pushes still are a walk from commit to commit.
  const newest = await records.newestHead(owner, repo, branch);
  const { trace: _, ...same } = source;
  const trace = currentTraceparent();
  const deployment: Deployment = {
    ...same,
    id: deploymentId(receivedAt, sha, `${origin.kind} ${randomUUID()}`, 1),
    receivedAt,
    before: (newest?.sha ?? sha) as Deployment['sha'],
    pusher: by.login,
    origin: { ...origin, by: by.subject },
    ...(trace !== undefined && { trace }),
  };
  const push = { ...deployment, defaultBranch: branch };
  await beginDeployment({ records, messages, buildBranches: [], claim, now }, push);
  const what = origin.kind === 'roll-back' ? 'rolled back to' : 'redeployed';
  await audit(messages, deployment, by, `${by.login} ${what} ${sha.slice(0, 7)}`);
  return deployment;
}

function audit(
  messages: Messages,
  { owner, repo, id }: { owner: Owner; repo?: RepoName; id?: string },
  { subject }: Actor,
  message: string,
): Promise<void> {
  return messages.audit({
    source: 'dashboard',
    message,
    owner,
    ...(repo === undefined ? {} : { repo }),
    ...(id === undefined ? {} : { deployment: id }),
    actor: subject,
  });
}
