import { auditKey } from '#shared/audit-trail.ts';
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
  const { key, time } = auditKey(signature, event.owner);
  return createJson(store, key, { time, ...event });
}
