import { CloudError, toCloudError } from '#shared/errors.ts';
import type { FetchedTree } from '#shared/git/fetch-commit.ts';
import { getJson } from '#shared/object-store/json.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { builtImageKey, builtImageSchema } from '#shared/pipeline/built-images.ts';
import type { Deployment, DeploymentRef } from '#shared/pipeline/deployment.ts';
import { failedRecord } from '#shared/pipeline/failed-record.ts';
import type { PlannedFunction, PlanRecord } from '#shared/pipeline/plan.ts';
import type { Records } from '#shared/pipeline/records.ts';
import type { SecretsClient } from '#shared/sealed-secrets/secrets-messages.ts';
import { type Planning, planStack } from './plan-stack.ts';
import { createImportSecrets } from './stack-secrets.ts';

/** What git-tar works with. */
export interface GitTar {
  readonly records: Records;
  readonly store: ObjectStore;
  readonly fetch: (deployment: Deployment) => Promise<FetchedTree>;
  readonly planning: Omit<Planning, 'onFunction' | 'importSecrets'>;
  readonly secrets: SecretsClient;
  /** Whether an image that was built before is still in its registry. */
  readonly imageExists: (image: string) => Promise<boolean>;
}

/** By how much a developer's clock may be wrong. */
const dayMs = 24 * 60 * 60_000;

/**
 * Fetches the pushed commit, plans its stack and stores one build context for each function that was
 * not built before. Records the plan, or why there is none.
 *
 * @throws CloudError of kind `retry` if the git server or the store fails; then nothing is recorded.
 */
export async function planDeployment(
  gitTar: GitTar,
  ref: DeploymentRef,
): Promise<PlanRecord | undefined> {
  const records = await gitTar.records.load(ref);
  if (records === undefined) {
    throw new CloudError('OFC_NOT_FOUND', `There is no deployment ${ref.id}.`);
  }
  if (records.plan !== undefined || records.closed !== undefined) return records.plan;
  const plan = await makePlan(gitTar, records.deployment);
  await gitTar.records.recordPlan(ref, plan);
  return plan;
}

async function makePlan(gitTar: GitTar, deployment: Deployment): Promise<PlanRecord> {
  let commit: FetchedTree | undefined;
  try {
    commit = await gitTar.fetch(deployment);
    const plan = await planStack(commit.tree, deployment, {
      ...gitTar.planning,
      importSecrets: createImportSecrets(gitTar.store, gitTar.secrets, deployment),
      onFunction: (fn, context) => store(gitTar, deployment, fn, context.tar),
    });
    const committedAt = believable(commit.committedAt, deployment);
    return { outcome: 'planned', ...plan, ...(committedAt && { committedAt }), at: Date.now() };
  } catch (error) {
    const failure = toCloudError(error);
    if (failure.kind === 'retry' || failure.code === 'OFC_INTERNAL') throw failure;
    return failedRecord(failure);
  } finally {
    await commit?.remove();
  }
}

/** A commit can claim any time; one that cannot be is not taken. */
function believable(time: Date | undefined, { receivedAt }: Deployment): number | undefined {
  const at = time?.getTime() ?? 0;
  return at > 0 && at <= receivedAt + dayMs ? at : undefined;
}

/** The image of an equal context is taken as it is; else the context is kept for of-builder. */
async function store(
  { records, store, imageExists }: GitTar,
  deployment: Deployment,
  fn: PlannedFunction,
  context: Buffer,
): Promise<void> {
  const before = await getJson(
    store,
    builtImageKey(deployment.owner, fn.buildKey),
    builtImageSchema,
  );
  if (before !== undefined && (await imageExists(before.image))) {
    const { image } = before;
    const record = { outcome: 'built', image, cached: true, seconds: 0, at: Date.now() } as const;
    await records.recordBuild(deployment, fn.key, record);
  } else {
    await store.put(records.contextKey(deployment, fn.key), context);
  }
}
