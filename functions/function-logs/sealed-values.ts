import { LRUCache } from 'lru-cache';
import { toCloudError } from '#shared/errors.ts';
import type { FunctionStatus } from '#shared/gateway/function-status.ts';
import { parseOwner, parseRepoName } from '#shared/names.ts';
import { type DeploymentRef, parseDeploymentId } from '#shared/pipeline/deployment.ts';
import { cloudLabel, ownerName, secretsAnnotation } from '#shared/pipeline/labels.ts';
import type { SecretsClient } from '#shared/sealed-secrets/secrets-messages.ts';

/** What the push that deployed a function sealed: values that its log must not show. */
export type SealedValues = (fn: FunctionStatus) => Promise<readonly Buffer[]>;

/** For who follows logs one after the other. */
const keptMs = 60_000;

/**
 * Makes {@link SealedValues}; they are asked of import-secrets. Without it, or if the push is not known
 * any more, nothing is known; values that the operator gave never are.
 *
 * Fails with errors of kind `retry`: rather no log for a while than one that shows what it should not.
 */
export function createSealedValues(client: Pick<SecretsClient, 'open'>): SealedValues {
  const known = new LRUCache<string, readonly Buffer[]>({ max: 200, ttl: keptMs });
  return async (fn) => {
    if (fn.annotations?.[secretsAnnotation] === undefined) return [];
    try {
      const ref = refOf(fn);
      const values = known.get(ref.id) ?? [...(await client.open(ref, '*')).values()];
      known.set(ref.id, values);
      return values;
    } catch (error) {
      if (toCloudError(error).kind === 'retry') throw error;
      return [];
    }
  };
}

function refOf(fn: FunctionStatus): DeploymentRef {
  return {
    owner: parseOwner(ownerName(fn)),
    repo: parseRepoName(fn.labels?.[cloudLabel.repo]),
    id: parseDeploymentId(fn.labels?.[cloudLabel.deployment]),
  };
}
