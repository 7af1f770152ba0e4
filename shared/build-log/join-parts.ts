import type { ObjectStore } from '../object-store/object-store.ts';
import { lastBytes } from './last-bytes.ts';
import type { PartKey } from './log-keys.ts';

/** What stands where a part is missing. */
export const gapNotice = '[A part of the log is missing here.]\n';

/** What stands in front of a log that was too long. */
export const cutNotice = '[The log is too long; its beginning is left out.]\n';

/**
 * The parts of one run as one text, the end of it if it is over `maxBytes`. Only what is kept and the
 * part being read are in memory.
 */
export async function joinParts(
  store: ObjectStore,
  parts: readonly PartKey[],
  maxBytes: number,
): Promise<{ text: Buffer; bytes: number; missing: number }> {
  let text = Buffer.alloc(0);
  let bytes = 0;
  let missing = 0;
  let next = 0;
  let cut = false;
  for (const { key, seq } of parts) {
    if (seq < next) continue; // the same part twice: once as an ordinary one, once as the last
    const gap = seq > next;
    missing += seq - next;
    next = seq + 1;
    const part = (await store.get(key)) ?? Buffer.alloc(0);
    const added = gap ? [Buffer.from(gapNotice), part] : [part];
    bytes += added.reduce((sum, { length }) => sum + length, 0);
    text = Buffer.concat([text, ...added]);
    if (text.length > maxBytes) {
      cut = true;
      text = lastBytes(text, maxBytes);
    }
  }
  return { text: cut ? Buffer.concat([Buffer.from(cutNotice), text]) : text, bytes, missing };
}
