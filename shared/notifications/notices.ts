import { createHash, randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { parseOwner } from '../names.ts';
import { createJson, getJson, putJson } from '../object-store/json.ts';
import { keyPart } from '../object-store/keys.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { parsedBy } from '../pipeline/deployment.ts';
import { parseScmId } from '../scm/scm-id.ts';
import type { OwnerAt } from './destinations.ts';
import { retryDelayMs } from './retry-schedule.ts';

/** Something that one destination is to be told; written once. */
export const noticeSchema = v.object({
  id: v.string(),
  owner: parsedBy(parseOwner),
  scm: parsedBy(parseScmId),
  /** The id of the destination. */
  destination: v.string(),
  /** What receivers know it by; the same when it is sent again. */
  messageId: v.string(),
  type: v.string(),
  /** In a line, for people. */
  title: v.string(),
  createdAt: v.number(),
  /** The bytes that are sent, each time the same. */
  body: v.string(),
});
export type Notice = v.InferOutput<typeof noticeSchema>;

/** One try to deliver a notice. */
export const attemptSchema = v.object({
  at: v.number(),
  ms: v.optional(v.number()),
  /** What the receiver answered. */
  status: v.optional(v.number()),
  /** Why there was no answer. */
  problem: v.optional(v.string()),
  /** Nothing follows this one. */
  last: v.optional(v.boolean()),
});
export type Attempt = v.InferOutput<typeof attemptSchema>;

/** A notice and what became of it. */
export interface NoticeHistory {
  readonly notice: Notice;
  readonly attempts: readonly Attempt[];
}

/** Names one notice. */
export interface NoticeRef extends OwnerAt {
  readonly id: string;
}

/** A notice that waits for its time. */
export interface DueNotice extends NoticeRef {
  /** The mark in the store. */
  readonly key: string;
}

/** Notices and their attempts, in the object store. */
export interface Notices {
  /**
   * Keeps a notice and lists it as due; one that is there already is listed again, which does no harm.
   *
   * @returns the mark under which it is listed.
   */
  add(notice: Notice): Promise<string>;
  load(ref: NoticeRef): Promise<NoticeHistory | undefined>;
  /** The newest notices of an owner. */
  newest(at: OwnerAt, limit: number): Promise<NoticeHistory[]>;
  /** What is due by now, longest first, but not more than `perOwner` of each owner. */
  due(limits: { readonly perOwner: number; readonly limit: number }): Promise<DueNotice[]>;
  /** Lists a notice as due at a time; gives the mark. */
  markDue(ref: NoticeRef, at: number): Promise<string>;
  unmark(key: string): Promise<void>;
  /** Takes on the attempt of a number, from 1: `false` if somebody else has. */
  begin(ref: NoticeRef, number: number): Promise<boolean>;
  end(ref: NoticeRef, number: number, attempt: Attempt): Promise<void>;
}

const duePrefix = 'notices-due/';
/** What a store lists in one request. */
const maxListed = 1000;
/** A notice has one object for itself and one for each attempt. */
const objectsEach = retryDelayMs.length + 2;
const idTimes = 36 ** 9 - 1;

/** An id under which the newest notice is listed first; the same `about` gives the same id. */
export function noticeId(
  createdAt: number,
  about: string = randomBytes(16).toString('hex'),
): string {
  const digest = createHash('sha256').update(about).digest('hex').slice(0, 16);
  return `${(idTimes - createdAt).toString(36).padStart(9, '0')}-${digest}`;
}

/** The shape of a {@link noticeId}. */
export const noticeIdSchema = v.pipe(v.string(), v.regex(/^[0-9a-z]{9}-[0-9a-f]{16}$/));

/** How a notice stands: it arrived, waits for another try, or was given up. */
export function noticeState({ attempts }: NoticeHistory): 'delivered' | 'waiting' | 'failed' {
  const last = attempts.at(-1);
  if (attempts.some(hasArrived)) return 'delivered';
  return last?.last === true || attempts.length > retryDelayMs.length ? 'failed' : 'waiting';
}

/** Whether the receiver took it. */
export function hasArrived({ status }: Attempt): boolean {
  return status !== undefined && status >= 200 && status < 300;
}

/**
 * Makes {@link Notices}.
 *
 * @param now Milliseconds, for tests.
 */
export function createNotices(
  store: Pick<ObjectStore, 'create' | 'get' | 'put' | 'list' | 'delete'>,
  now: () => number = Date.now,
): Notices {
  const ownerPart = ({ owner, scm }: OwnerAt) => `${keyPart(owner)}/${keyPart(scm)}/`;
  const prefixOf = (ref: NoticeRef) => `notices/${ownerPart(ref)}${keyPart(ref.id)}/`;
  const attemptKey = (ref: NoticeRef, number: number) =>
    `${prefixOf(ref)}try-${String(number).padStart(2, '0')}.json`;
  const read = async (prefix: string, keys: readonly string[]) => {
    const notice = await getJson(store, `${prefix}notice.json`, noticeSchema);
    if (notice === undefined) return undefined;
    const tries = keys.filter((key) => key.startsWith(`${prefix}try-`));
    const attempts = await Promise.all(tries.map((key) => getJson(store, key, attemptSchema)));
    return { notice, attempts: attempts.filter((attempt) => attempt !== undefined) };
  };

  return {
    async add(notice) {
      await createJson(store, `${prefixOf(notice)}notice.json`, notice);
      return this.markDue(notice, now());
    },
    load: async (ref) => read(prefixOf(ref), await store.list(prefixOf(ref))),
    async newest(at, limit) {
      const base = `notices/${ownerPart(at)}`;
      const keys = await store.list(base, { limit: limit * objectsEach });
      const prefixes = new Set(keys.map((key) => key.slice(0, key.lastIndexOf('/') + 1)));
      const found = await Promise.all(
        [...prefixes].slice(0, limit).map((prefix) => read(prefix, keys)),
      );
      return found.filter((history) => history !== undefined);
    },
    async due({ perOwner, limit }) {
      const counts = new Map<string, number>();
      const keys = (await store.list(duePrefix, { limit: maxListed })).filter((key) => {
        const [time, ...ofOwner] = key.slice(duePrefix.length).split('/').slice(0, -1);
        const count = (counts.get(ofOwner.join('/')) ?? 0) + 1;
        counts.set(ofOwner.join('/'), count);
        return Number(time) <= now() && count <= perOwner;
      });
      const marks = await Promise.all(
        keys
          .slice(0, limit)
          .map(async (key) => ({ key, ref: await getJson(store, key, dueSchema) })),
      );
      return marks.flatMap(({ key, ref }) => (ref === undefined ? [] : [{ ...ref, key }]));
    },
    async markDue({ owner, scm, id }, at) {
      const key = `${duePrefix}${String(at).padStart(14, '0')}/${ownerPart({ owner, scm })}${id}`;
      await putJson(store, key, { owner, scm, id });
      return key;
    },
    unmark: (key) => store.delete(key),
    begin: (ref, number) => createJson(store, attemptKey(ref, number), { at: now() }),
    end: (ref, number, attempt) => putJson(store, attemptKey(ref, number), attempt),
  };
}

const dueSchema = v.object({
  owner: noticeSchema.entries.owner,
  scm: noticeSchema.entries.scm,
  id: noticeIdSchema,
});

/** Whether anything is due: one small request for whoever only wants to wake the deliverer. */
export async function isAnythingDue(
  store: Pick<ObjectStore, 'list'>,
  now: number,
): Promise<boolean> {
  const [first] = await store.list(duePrefix, { limit: 1 });
  return first !== undefined && Number(first.slice(duePrefix.length).split('/')[0]) <= now;
}
