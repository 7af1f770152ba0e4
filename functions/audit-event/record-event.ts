import { createHash } from 'node:crypto';
import { createJson } from '#shared/object-store/json.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import type { AuditEvent } from '#shared/pipeline/messages.ts';

/**
 * Adds an entry to the audit trail, which is never written over. A message that comes twice is one
 * entry: its key comes from when it was signed and from the signature.
 *
 * @returns whether it is new.
 */
export async function recordEvent(
  store: ObjectStore,
  event: AuditEvent,
  signature: string,
): Promise<boolean> {
  const seconds = Number(signature.split(',')[1]);
  const time = new Date(seconds * 1000).toISOString();
  const digest = createHash('sha256').update(signature).digest('hex').slice(0, 16);
  const key = `audit/${time.slice(0, 10)}/${time.slice(11, 19).replaceAll(':', '')}-${digest}.json`;
  return createJson(store, key, { time, ...event });
}
