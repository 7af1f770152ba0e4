import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { Owner } from './names.ts';
import { getJson } from './object-store/json.ts';
import { keyPart } from './object-store/keys.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import { auditEventSchema } from './pipeline/messages.ts';

/** One entry of the audit trail as it is kept. */
export const auditEntrySchema = v.object({ time: v.string(), ...auditEventSchema.entries });
export type AuditEntry = v.InferOutput<typeof auditEntrySchema>;

/** A part of the trail, newest first. */
export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** Where the next older part begins; `undefined` if there is none. */
  readonly next: string | undefined;
}

const base = 'audit/';
/** Days looked at together, and at most for one page: an owner may have been quiet for long. */
const daysTogether = 10;
const maxDays = 120;
const namePattern = /^\d{6}-[0-9a-f]{16}(?:-(.+))?\.json$/;

/**
 * The key of an entry: a message that comes twice has one. The owner stands in it, so that their
 * entries are found without reading those of others.
 *
 * @param signature The message's, which says when it was signed.
 */
export function auditKey(
  signature: string,
  owner: string | undefined,
): { readonly key: string; readonly time: string } {
  const time = new Date(Number(signature.split(',')[1]) * 1000).toISOString();
  const digest = createHash('sha256').update(signature).digest('hex').slice(0, 16);
  const clock = time.slice(11, 19).replaceAll(':', '');
  const whose = owner === undefined ? '' : `-${keyPart(owner.toLowerCase())}`;
  return { key: `${base}${time.slice(0, 10)}/${clock}-${digest}${whose}.json`, time };
}

/**
 * Reads the audit trail, newest first.
 *
 * @param wanted.owner Whose entries; all without.
 * @param wanted.before The `next` of the page before; what is no such thing gives nothing older.
 * @throws CloudError of the store
 */
export async function readAudit(
  store: Pick<ObjectStore, 'folders' | 'list' | 'get'>,
  {
    owner,
    before,
    limit,
  }: { readonly owner?: Owner; readonly before?: string; readonly limit: number },
): Promise<AuditPage> {
  const days = (await store.folders(base)).sort().reverse();
  const left = before === undefined ? days : days.filter((day) => day <= before.slice(0, 10));
  const found: string[] = [];
  let looked = 0;
  while (looked < Math.min(left.length, maxDays) && found.length <= limit) {
    const some = left.slice(looked, looked + daysTogether);
    const lists = await Promise.all(some.map((day) => store.list(`${base}${day}/`)));
    for (const keys of lists) {
      const names = keys.map((key) => key.slice(base.length));
      found.push(
        ...names
          .filter((name) => isOf(name, owner) && (before === undefined || name < before))
          .reverse(),
      );
    }
    looked += some.length;
  }
  const page = found.slice(0, limit);
  const entries = await Promise.all(
    page.map((name) => getJson(store, base + name, auditEntrySchema)),
  );
  const oldestDay = left[looked - 1];
  const more = found.length > limit ? page.at(-1) : looked < left.length ? oldestDay : undefined;
  return { entries: entries.filter((entry) => entry !== undefined), next: more };
}

function isOf(name: string, owner: Owner | undefined): boolean {
  const match = namePattern.exec(name.slice('2000-01-01/'.length));
  return match !== null && (owner === undefined || match[1] === keyPart(owner));
}
