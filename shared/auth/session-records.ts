import * as v from 'valibot';
import { getJson, putJson } from '../object-store/json.ts';
import { keyPart } from '../object-store/keys.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { RevocableSession } from './revocations.ts';

/** A session as its person sees it. Its id is no credential: a cookie is a signed token. */
export interface SessionInfo {
  readonly id: string;
  /** What the browser calls itself; empty if that is not known. */
  readonly userAgent: string;
  /** Unix seconds. */
  readonly startedAt: number;
  /** When its cookie was last renewed; Unix seconds. */
  readonly seenAt: number;
}

/** Remembers which sessions a person has, so that they can be shown and ended. */
export interface SessionRecords {
  begun(session: RevocableSession, userAgent: string): Promise<void>;
  /** Notes that a session is in use. */
  seen(session: RevocableSession): Promise<void>;
  /** Those that can still be valid, newest log-in first; whether they were revoked is not said. */
  list(subject: string): Promise<SessionInfo[]>;
}

const recordSchema = v.object({
  userAgent: v.string(),
  startedAt: v.number(),
  seenAt: v.number(),
});
const maxUserAgent = 300;
const maxListed = 1000;

/**
 * Makes {@link SessionRecords} in the object store. A key holds the time of the log-in, so who signs in
 * removes the person's records of sessions that have ended by their age.
 */
export function createSessionRecords(
  store: ObjectStore,
  options: {
    readonly idleSeconds: number;
    readonly lifetimeSeconds: number;
    readonly now?: () => number;
  },
): SessionRecords {
  const { idleSeconds, lifetimeSeconds, now = Date.now } = options;
  const seconds = () => Math.floor(now() / 1000);
  const prefixOf = (subject: string) => `auth/sessions/${keyPart(subject)}/`;
  const stamp = (time: number) => String(Math.max(0, time)).padStart(12, '0');
  const keyOf = ({ subject, sessionId, startedAt }: RevocableSession) =>
    `${prefixOf(subject)}${stamp(startedAt)}-${keyPart(sessionId)}.json`;
  const keysOf = async (subject: string) => {
    const keys = await store.list(prefixOf(subject), { limit: maxListed });
    const oldest = `${prefixOf(subject)}${stamp(seconds() - lifetimeSeconds)}`;
    return { live: keys.filter((key) => key >= oldest), over: keys.filter((key) => key < oldest) };
  };

  return {
    async begun(session, userAgent) {
      const { startedAt } = session;
      const shown = userAgent.replaceAll(/\p{Cc}/gu, '').slice(0, maxUserAgent);
      await putJson(store, keyOf(session), { userAgent: shown, startedAt, seenAt: seconds() });
      const { over } = await keysOf(session.subject);
      await Promise.all(over.map((key) => store.delete(key)));
    },
    async seen(session) {
      const { startedAt } = session;
      const known = await getJson(store, keyOf(session), recordSchema);
      const userAgent = known?.userAgent ?? '';
      await putJson(store, keyOf(session), { userAgent, startedAt, seenAt: seconds() });
    },
    async list(subject) {
      const { live } = await keysOf(subject);
      const found = await Promise.all(
        live.reverse().map(async (key) => {
          const record = await getJson(store, key, recordSchema);
          const id = /\/\d{12}-([^/]+)\.json$/.exec(key)?.[1];
          return record === undefined || id === undefined ? [] : [{ id, ...record }];
        }),
      );
      return found.flat().filter(({ seenAt }) => seenAt + idleSeconds > seconds());
    },
  };
}
