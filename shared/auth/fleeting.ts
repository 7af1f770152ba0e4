import { createHash } from 'node:crypto';
import type * as v from 'valibot';
import { createJson, getJson } from '../object-store/json.ts';
import { keyPart } from '../object-store/keys.ts';
import type { ObjectStore } from '../object-store/object-store.ts';

/**
 * Records that matter for minutes, in the object store, so that what may happen once happens once
 * among all replicas and across restarts.
 */
export interface FleetingRecords {
  /** `true` for the first who asks about this `id`, until it expires. */
  once(kind: string, id: string, expiresAt: number): Promise<boolean>;
  /** Keeps a value under an `id` that only its receiver knows; it is stored as a digest. */
  put(kind: string, id: string, expiresAt: number, value: unknown): Promise<void>;
  /** Takes the value out: the first who asks gets it, others and late ones `undefined`. */
  take<Schema extends v.GenericSchema>(
    kind: string,
    id: string,
    expiresAt: number,
    schema: Schema,
  ): Promise<v.InferOutput<Schema> | undefined>;
}

const root = 'auth/fleeting/';
const hourSeconds = 3600;
const sweepEveryMs = 10 * 60_000;
const sweptAtOnce = 500;

/**
 * Makes {@link FleetingRecords}. Times are Unix seconds; a record's key begins with the hour in which
 * it expires, and who writes one now and then removes those of the hours before.
 *
 * @param now Milliseconds, for tests.
 */
export function createFleetingRecords(
  store: ObjectStore,
  now: () => number = Date.now,
): FleetingRecords {
  let nextSweep = 0;
  const sweep = async (): Promise<void> => {
    if (now() < nextSweep) return;
    nextSweep = now() + sweepEveryMs;
    const current = folderOf(now() / 1000);
    for (const key of await store.list(root, { limit: sweptAtOnce })) {
      if (key < current) await store.delete(key);
    }
  };
  // What is left lying costs a few bytes; the next sweep finds it.
  const sweepSoon = () => void sweep().catch(() => undefined);

  return {
    async once(kind, id, expiresAt) {
      if (expiresAt * 1000 <= now()) return false;
      const isFirst = await store.create(keyOf(kind, id, expiresAt), '');
      sweepSoon();
      return isFirst;
    },
    async put(kind, id, expiresAt, value) {
      await createJson(store, keyOf(kind, id, expiresAt), value);
      sweepSoon();
    },
    async take(kind, id, expiresAt, schema) {
      if (expiresAt * 1000 <= now()) return undefined;
      const key = keyOf(kind, id, expiresAt);
      const value = await getJson(store, key, schema);
      if (value === undefined || !(await store.create(`${key}.taken`, ''))) return undefined;
      await store.delete(key);
      return value;
    },
  };
}

function folderOf(seconds: number): string {
  return `${root}${String(Math.floor(seconds / hourSeconds)).padStart(8, '0')}/`;
}

function keyOf(kind: string, id: string, expiresAt: number): string {
  const digest = createHash('sha256').update(id).digest('hex');
  return `${folderOf(expiresAt)}${keyPart(kind)}/${digest}`;
}
