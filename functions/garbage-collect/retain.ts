import type { ObjectStore } from '#shared/object-store/object-store.ts';

/** For how many days what only looks back is kept; 0: for ever. */
export interface Retention {
  readonly auditDays: number;
  readonly deliveryDays: number;
  readonly logDays: number;
}

const dayMs = 24 * 60 * 60_000;
const hourMs = 60 * 60_000;
/** In one run; what is left goes in the next. */
const maxDeleted = 2000;
const together = 20;

/**
 * Deletes audit entries, records of deliveries and build logs that are older than they are kept. Runs
 * once an hour, whoever asks.
 *
 * @returns how many objects are gone.
 * @throws CloudError of the store; the next run goes on.
 */
export async function retain(
  store: Pick<ObjectStore, 'create' | 'delete' | 'listOlder'>,
  { auditDays, deliveryDays, logDays }: Retention,
  now: number,
): Promise<number> {
  const hour = Math.floor(now / hourMs);
  if (!(await store.create(`sweeps/retention-${hour}`, ''))) return 0;
  await store.delete(`sweeps/retention-${hour - 1}`);
  let deleted = 0;
  for (const [prefix, days] of [
    ['audit/', auditDays],
    ['deliveries/', deliveryDays],
    ['notices/', deliveryDays],
    ['logs/', logDays],
    ['sweeps/', 1],
  ] as const) {
    if (days === 0) continue;
    const limit = maxDeleted - deleted;
    const old = await store.listOlder(prefix, new Date(now - days * dayMs), { limit });
    for (let at = 0; at < old.length; at += together) {
      await Promise.all(old.slice(at, at + together).map((key) => store.delete(key)));
    }
    deleted += old.length;
  }
  return deleted;
}
