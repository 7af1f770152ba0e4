import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import type { Sha } from '../names.ts';
import { createJson, getJson } from '../object-store/json.ts';
import { keyPart } from '../object-store/keys.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import {
  type DeploymentRef,
  deploymentId,
  deploymentRefSchema,
  deploymentSchema,
  maxAttempts,
} from '../pipeline/deployment.ts';
import type { Records } from '../pipeline/records.ts';
import type { ScmId } from '../scm/scm-id.ts';

const deliverySchema = v.object({
  ...deploymentRefSchema.entries,
  sha: deploymentSchema.entries.sha,
  /** When the first attempt came, in milliseconds since 1970. */
  receivedAt: v.number(),
});

/** What one webhook delivery led to. */
export type Delivery = v.InferOutput<typeof deliverySchema>;

/** Which delivery it is, and what it is about. */
export interface DeliveryOf extends Omit<DeploymentRef, 'id'> {
  readonly scm: ScmId;
  /** The provider's id of the delivery, the same when it is sent again. */
  readonly delivery: string;
  readonly sha: Sha;
}

interface Deps {
  readonly store: ObjectStore;
  readonly records: Pick<Records, 'load'>;
  readonly now: () => number;
}

/**
 * Records a delivery once, and says whether its deployment is still to be started: it is new, or was
 * lost before it began, or it failed and somebody sent it again. An attempt after a failure keeps the
 * time of the first, so an old push that is sent again never replaces a newer one.
 *
 * @throws CloudError `OFC_BAD_REQUEST` if the same delivery came before with another content.
 */
export async function acceptDelivery(
  { store, records, now }: Deps,
  of: DeliveryOf,
): Promise<{ delivery: Delivery; start: boolean }> {
  const { scm, owner, repo, sha } = of;
  const prefix = `deliveries/${scm}/${keyPart(of.delivery)}/`;
  const key = (attempt: number) => `${prefix}${String(attempt).padStart(3, '0')}`;
  const attemptAt = (receivedAt: number, attempt: number): Delivery => {
    const id = deploymentId(receivedAt, sha, `${scm}:${of.delivery}`, attempt);
    return { owner, repo, id, sha, receivedAt };
  };

  const first = attemptAt(now(), 1);
  if (await createJson(store, key(1), first)) return { delivery: first, start: true };

  const attempts = await store.list(prefix);
  const last = await getJson(store, attempts.at(-1) ?? key(1), deliverySchema);
  if (last === undefined || last.owner !== owner || last.repo !== repo || last.sha !== sha) {
    throw new CloudError('OFC_BAD_REQUEST', 'That delivery came before, with another content.');
  }
  const deployment = await records.load(last);
  if (deployment === undefined) return { delivery: last, start: true };
  if (deployment.closed?.state !== 'failed' || attempts.length >= maxAttempts) {
    return { delivery: last, start: false };
  }
  const again = attemptAt(last.receivedAt, attempts.length + 1);
  return { delivery: again, start: await createJson(store, key(attempts.length + 1), again) };
}
