import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { createJson, getJson, putJson } from '../object-store/json.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { DeploymentRef } from '../pipeline/deployment.ts';
import { deploymentPrefix } from '../pipeline/records.ts';

const runSchema = v.object({
  /** GitHub's id of the check run; none where plain commit statuses are used. */
  id: v.optional(v.number()),
  /** Digest of what it was last told. */
  reported: v.string(),
});

/** What we know of one entry at GitHub. */
export type RunRecord = v.InferOutput<typeof runSchema>;

const claimSchema = v.object({ at: v.number() });

/** Remembers, for the checks of one deployment, which exist and what they say. */
export interface CheckRunRecords {
  get(context: string): Promise<RunRecord | undefined>;
  put(context: string, run: RunRecord): Promise<void>;
  /**
   * `won` by the one caller that may create it; `taken` over from one that failed, or gave no result
   * within `staleMs`, and may have come as far as GitHub; else `held`.
   */
  claim(context: string, staleMs: number): Promise<'won' | 'taken' | 'held'>;
  /** Whoever held the claim has failed. */
  releaseClaim(context: string): Promise<void>;
  /** Waits until whoever creates it has done so. */
  wait(context: string, waitMs: number): Promise<RunRecord | undefined>;
}

/** Makes {@link CheckRunRecords}. */
export function createCheckRunRecords(store: ObjectStore, ref: DeploymentRef): CheckRunRecords {
  const prefix = `${deploymentPrefix(ref)}checks/`;
  const runKey = (context: string) => `${prefix}${context}/run.json`;
  const claimKey = (context: string) => `${prefix}${context}/claim`;
  const get = (context: string) => getJson(store, runKey(context), runSchema);
  return {
    get,
    put: (context, run) => putJson(store, runKey(context), run),
    async claim(context, staleMs) {
      if (await createJson(store, claimKey(context), { at: Date.now() })) return 'won';
      const held = await getJson(store, claimKey(context), claimSchema);
      if (held !== undefined && Date.now() - held.at < staleMs) return 'held';
      await putJson(store, claimKey(context), { at: Date.now() });
      return 'taken';
    },
    releaseClaim: (context) => putJson(store, claimKey(context), { at: 0 }),
    async wait(context, waitMs) {
      for (const deadline = Date.now() + waitMs; ; await delay(100)) {
        const run = await get(context);
        if (run !== undefined || Date.now() >= deadline) return run;
      }
    },
  };
}
