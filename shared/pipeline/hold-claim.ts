import type { ClaimResult, Claims } from './claims.ts';
import type { DeploymentRef } from './deployment.ts';
import type { Claimable } from './states.ts';

/** How often and how long somebody may hold a claim. */
export interface ClaimLimits {
  readonly maxAttempts: number;
  /** How long whoever the work was handed over to may take, in milliseconds. */
  readonly leaseMs: number;
}

/** Short, so that a crash costs seconds; renewed while the holder lives. */
const holdMs = 10_000;
const renewMs = 3000;

/**
 * Does `work` under a claim, so that nobody else does it meanwhile. If this process dies, others can
 * take over after seconds. If `work` throws, the claim is given up at once. Once it has handed the work
 * to another function, the claim stands for `leaseMs` more.
 *
 * @param handsOver Whether `work` only begins something that goes on elsewhere.
 * @returns whether the claim was won; only then `work` ran.
 */
export async function holdClaim(
  records: Claims,
  ref: DeploymentRef,
  action: Claimable,
  { maxAttempts, leaseMs }: ClaimLimits,
  handsOver: boolean,
  work: () => Promise<void>,
): Promise<ClaimResult> {
  const result = await records.claim(ref, action, { leaseMs: holdMs, maxAttempts });
  if (result !== 'won') return result;
  const renewing = setInterval(() => {
    records.renewClaim(ref, action, holdMs).catch(() => undefined);
  }, renewMs);
  try {
    await work();
    clearInterval(renewing);
    if (handsOver) await records.renewClaim(ref, action, leaseMs);
    return 'won';
  } catch (error) {
    clearInterval(renewing);
    await records.releaseClaim(ref, action);
    throw error;
  }
}
