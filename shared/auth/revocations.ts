import { LRUCache } from 'lru-cache';
import { createJson } from '../object-store/json.ts';
import { keyPart } from '../object-store/keys.ts';
import type { ObjectStore } from '../object-store/object-store.ts';

/** What a session is known by. */
export interface RevocableSession {
  readonly subject: string;
  readonly sessionId: string;
  /** When the person logged in, Unix seconds. */
  readonly startedAt: number;
}

/** Sessions that ended before their time. The list lies in the object store and outlives restarts. */
export interface Revocations {
  /** Ends one session. */
  revoke(session: RevocableSession): Promise<void>;
  /** Ends all sessions that the person began until now, but for the one of the id `except`. */
  revokeAll(subject: string, except?: string): Promise<void>;
  /** @throws CloudError `OFC_UPSTREAM` if the store does not answer: then nobody can tell. */
  isRevoked(session: RevocableSession): Promise<boolean>;
}

interface Options {
  /** No session lives longer, so nor does its entry. */
  readonly lifetimeSeconds: number;
  /** How long an answer of the store holds, and so how late other replicas notice. */
  readonly cacheMs?: number;
  readonly now?: () => number;
}

interface Revoked {
  readonly sessions: ReadonlySet<string>;
  /** Sessions that began before such a time, Unix seconds, are over, but for one. */
  readonly all: readonly { readonly before: number; readonly except: string | undefined }[];
  readonly until: number;
}

const maxEntries = 1000;

/**
 * Makes {@link Revocations}. An entry is a key below the person's prefix that says all there is in
 * its name, `<expires>-<session>`, `<expires>-all-<before>` or `<expires>-all-<before>-but-<session>`: one list tells everything, and who adds
 * an entry removes those that have expired.
 */
export function createRevocations(store: ObjectStore, options: Options): Revocations {
  const { lifetimeSeconds, cacheMs = 5000, now = Date.now } = options;
  const cache = new LRUCache<string, Revoked>({ max: 10_000 });
  const asking = new Map<string, Promise<Revoked>>();
  const prefixOf = (subject: string) => `auth/revoked/${keyPart(subject)}/`;
  const seconds = () => Math.floor(now() / 1000);

  const read = async (subject: string): Promise<Revoked> => {
    const prefix = prefixOf(subject);
    const names = (await store.list(prefix, { limit: maxEntries })).map((key) =>
      key.slice(prefix.length),
    );
    const { sessions, all } = readNames(names);
    // A list that was cut short cannot say who is not on it.
    const cut = names.length === maxEntries ? [{ before: seconds(), except: undefined }] : [];
    const revoked = { sessions, all: [...all, ...cut], until: now() + cacheMs };
    cache.set(subject, revoked);
    return revoked;
  };
  const add = async (subject: string, name: string): Promise<void> => {
    const prefix = prefixOf(subject);
    const expires = String(seconds() + lifetimeSeconds).padStart(12, '0');
    await createJson(store, `${prefix}${expires}-${name}`, {});
    cache.delete(subject);
    const current = `${prefix}${String(seconds()).padStart(12, '0')}`;
    const keys = await store.list(prefix, { limit: maxEntries });
    await Promise.all(keys.filter((key) => key < current).map((key) => store.delete(key)));
  };

  return {
    revoke: ({ subject, sessionId }) => add(subject, keyPart(sessionId)),
    revokeAll: (subject, except) =>
      add(subject, `all-${seconds() + 1}${except === undefined ? '' : `-but-${keyPart(except)}`}`),
    async isRevoked({ subject, sessionId, startedAt }) {
      const cached = cache.get(subject);
      let revoked = cached !== undefined && cached.until > now() ? cached : undefined;
      if (revoked === undefined) {
        let question = asking.get(subject);
        if (question === undefined) {
          question = read(subject).finally(() => asking.delete(subject));
          asking.set(subject, question);
        }
        revoked = await question;
      }
      const id = keyPart(sessionId);
      return (
        revoked.sessions.has(id) ||
        revoked.all.some(({ before, except }) => startedAt < before && except !== id)
      );
    },
  };
}

function readNames(names: readonly string[]): Pick<Revoked, 'sessions' | 'all'> {
  const sessions = new Set<string>();
  const all: { before: number; except: string | undefined }[] = [];
  for (const name of names) {
    const [, what = '', time, except] = /^\d{12}-(all-(\d+)(?:-but-(.+))?|.+)$/.exec(name) ?? [];
    if (time === undefined) sessions.add(what);
    else all.push({ before: Number(time), except });
  }
  return { sessions, all };
}
