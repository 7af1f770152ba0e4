import { LRUCache } from 'lru-cache';
import * as v from 'valibot';
import { createJson, getJson } from '../object-store/json.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { DeploymentRef } from './deployment.ts';
import type { Claimable } from './states.ts';

/** How a claim went: `won` by us, `held` by somebody at work, `exhausted` after the last attempt. */
export type ClaimResult = 'won' | 'held' | 'exhausted';

/** Who is at which action, until when. */
export interface Claims {
  /** Takes on an action for `leaseMs`, unless somebody else has, or it was tried too often. */
  claim(
    ref: DeploymentRef,
    action: Claimable,
    limits: { leaseMs: number; maxAttempts: number },
  ): Promise<ClaimResult>;
  /** Makes the newest lease of an action end `leaseMs` from now. */
  renewClaim(ref: DeploymentRef, action: Claimable, leaseMs: number): Promise<void>;
  /** Ends the newest lease of an action early: whoever held it has failed. */
  releaseClaim(ref: DeploymentRef, action: Claimable): Promise<void>;
  /**
   * Puts an action off because whoever should do it was busy: that attempt does not count. The pause
   * doubles each time, from `waitMs` up to a minute.
   *
   * @returns The pause, in milliseconds.
   */
  postponeClaim(ref: DeploymentRef, action: Claimable, waitMs: number): Promise<number>;
}

const claimSchema = v.object({ until: v.number(), busy: v.optional(v.boolean()) });
const maxPauseMs = 60_000;

/**
 * Makes {@link Claims}: each attempt is an object of its own, which one of all who race creates.
 *
 * @param prefix The key of everything of a deployment begins with it.
 * @param now Milliseconds.
 */
export function createClaims(
  store: ObjectStore,
  prefix: (ref: DeploymentRef) => string,
  now: () => number,
): Claims {
  // Leases that this process took, renewed or saw; they save most looks into the store.
  const leases = new LRUCache<string, { readonly key: string; readonly until: number }>({
    max: 5000,
  });
  const claimPrefix = (ref: DeploymentRef, action: Claimable) => `${prefix(ref)}claims/${action}/`;
  const counted = async (attempts: readonly string[]): Promise<number> => {
    const claims = await Promise.all(attempts.map((key) => getJson(store, key, claimSchema)));
    return claims.filter((claim) => claim?.busy !== true).length;
  };

  return {
    async claim(ref, action, { leaseMs, maxAttempts }) {
      const base = claimPrefix(ref, action);
      const attempt = async (number: number): Promise<ClaimResult> => {
        const key = `${base}${String(number).padStart(3, '0')}`;
        const until = now() + leaseMs;
        if (!(await createJson(store, key, { until }))) return 'held';
        leases.set(base, { key, until });
        return 'won';
      };
      const lease = leases.get(base);
      if (lease !== undefined && lease.until > now()) return 'held';
      if (lease === undefined && maxAttempts > 0 && (await attempt(1)) === 'won') return 'won';
      const attempts = await store.list(base);
      const last = attempts.at(-1);
      const held = last === undefined ? undefined : await getJson(store, last, claimSchema);
      if (last !== undefined && held !== undefined && held.until > now()) {
        leases.set(base, { key: last, until: held.until });
        return 'held';
      }
      const isLeft = attempts.length < maxAttempts || (await counted(attempts)) < maxAttempts;
      return isLeft ? attempt(attempts.length + 1) : 'exhausted';
    },

    async renewClaim(ref, action, leaseMs) {
      const base = claimPrefix(ref, action);
      const key = leases.get(base)?.key ?? (await store.list(base)).at(-1);
      if (key === undefined) return;
      const until = now() + leaseMs;
      await store.put(key, JSON.stringify({ until }));
      leases.set(base, { key, until });
    },

    async releaseClaim(ref, action) {
      // Another process can have made the newest attempt: what we remember does not count here.
      leases.delete(claimPrefix(ref, action));
      await this.renewClaim(ref, action, 0);
    },

    async postponeClaim(ref, action, waitMs) {
      const base = claimPrefix(ref, action);
      const attempts = await store.list(base);
      const key = attempts.at(-1);
      if (key === undefined) return 0;
      const pauseMs = Math.min(maxPauseMs, waitMs * 2 ** (attempts.length - 1));
      const until = now() + pauseMs;
      await store.put(key, JSON.stringify({ until, busy: true }));
      leases.set(base, { key, until });
      return pauseMs;
    },
  };
}
