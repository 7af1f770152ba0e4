import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import type { People } from './people.ts';
import { type Group, type Person, subjectOf } from './person.ts';
import type { Revocations } from './revocations.ts';
import type { SessionInfo, SessionRecords } from './session-records.ts';
import type { TokenKeys } from './token.ts';

/** A session as one host's cookie shows it. Times are Unix seconds. */
export interface Session {
  readonly id: string;
  readonly person: Person;
  /** The host that the cookie is for. */
  readonly host: string;
  /** When the person logged in. */
  readonly startedAt: number;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** A token and how many seconds it holds, for a cookie. */
export interface SessionToken {
  readonly token: string;
  readonly seconds: number;
}

/**
 * Makes and reads session tokens. They hold no token of the provider. A session ends when it was not
 * used for the idle time, at the latest after its lifetime, or when it is revoked.
 */
export interface Sessions {
  /** Begins a session on the system host. `userAgent` is what its person will know it by. */
  start(person: Person, userAgent?: string): Promise<SessionToken>;
  /** A token of the same session for a host of an owner; it is worth nothing elsewhere. */
  forHost(session: Session, host: string): SessionToken;
  /**
   * `undefined` for everything but a valid token for `host`: the visitor signs in again.
   *
   * @throws CloudError `OFC_UPSTREAM` if nobody can say whether the session was revoked.
   */
  read(token: string | undefined, host: string): Promise<Session | undefined>;
  /** A token that holds longer, if a good part of the idle time is over. */
  renewed(session: Session): SessionToken | undefined;
  end(session: Session): Promise<void>;
  /** Ends all sessions of the person, on all devices. */
  endAll(session: Session): Promise<void>;
  /** The person's sessions that are valid, newest log-in first. */
  list(subject: string): Promise<SessionInfo[]>;
  /** Ends one of the person's sessions by its id; `false` if they have no such session. */
  endOne(subject: string, id: string): Promise<boolean>;
  /** Ends all of the person's sessions but one. */
  endOthers(subject: string, id: string): Promise<void>;
}

interface SessionOptions {
  readonly keys: TokenKeys;
  readonly systemHost: string;
  readonly people: People;
  readonly revocations: Revocations;
  readonly records: SessionRecords;
  readonly idleSeconds: number;
  readonly lifetimeSeconds: number;
  readonly now?: () => number;
}

const claimsSchema = v.object({
  sub: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*:[^:]+$/)),
  login: v.string(),
  sid: v.string(),
  auth_time: v.number(),
  iat: v.number(),
  exp: v.number(),
  groups: v.optional(v.array(v.tuple([v.string(), v.nullable(v.string()), v.picklist([0, 1])]))),
});

/** Browsers drop a cookie over 4096 bytes; base64url and the other claims want their part. */
const maxGroupsLength = 2400;

/**
 * Makes {@link Sessions}. Groups are claims of the token; where there are too many for a cookie they
 * are read from {@link People} instead.
 */
export function createSessions(options: SessionOptions): Sessions {
  const { keys, systemHost, people, revocations, records } = options;
  const { idleSeconds, lifetimeSeconds, now = Date.now } = options;
  const seconds = () => Math.floor(now() / 1000);
  const typeOf = (host: string) => (host === systemHost ? 'session+jwt' : 'tenant+jwt');

  const issue = (session: Pick<Session, 'id' | 'person' | 'host' | 'startedAt'>): SessionToken => {
    const { id, person, host, startedAt } = session;
    const left = startedAt + lifetimeSeconds - seconds();
    const holds = Math.max(0, Math.min(idleSeconds, left));
    const groups = person.groups.map(toClaim);
    const claims = {
      sub: subjectOf(person),
      login: person.login,
      sid: id,
      auth_time: startedAt,
      ...(JSON.stringify(groups).length > maxGroupsLength ? {} : { groups }),
    };
    return { token: keys.sign(typeOf(host), host, claims, holds), seconds: holds };
  };
  const revocable = ({ person, id, startedAt }: Pick<Session, 'id' | 'person' | 'startedAt'>) => ({
    subject: subjectOf(person),
    sessionId: id,
    startedAt,
  });
  const list = async (subject: string): Promise<SessionInfo[]> => {
    const found = await records.list(subject);
    const revoked = await Promise.all(
      found.map(({ id, startedAt }) =>
        revocations.isRevoked({ subject, sessionId: id, startedAt }),
      ),
    );
    return found.filter((_, index) => revoked[index] === false);
  };

  return {
    async start(person, userAgent = '') {
      const id = randomBytes(16).toString('base64url');
      const session = { id, person, host: systemHost, startedAt: seconds() };
      await Promise.all([people.save(person), records.begun(revocable(session), userAgent)]);
      return issue(session);
    },
    forHost: (session, host) => issue({ ...session, host }),
    async read(token, host) {
      if (token === undefined || token === '') return undefined;
      let claims: v.InferOutput<typeof claimsSchema>;
      try {
        claims = v.parse(claimsSchema, keys.verify(typeOf(host), host, token));
      } catch {
        return undefined;
      }
      const { sub, login, sid, auth_time: startedAt, iat, exp } = claims;
      if (seconds() >= startedAt + lifetimeSeconds || startedAt > iat) return undefined;
      const groups = claims.groups?.map(fromClaim) ?? (await people.find(sub))?.person.groups;
      if (groups === undefined) return undefined;
      const colon = sub.indexOf(':');
      const person = { provider: sub.slice(0, colon), id: sub.slice(colon + 1), login, groups };
      const session = { id: sid, person, host, startedAt, issuedAt: iat, expiresAt: exp };
      return (await revocations.isRevoked(revocable(session))) ? undefined : session;
    },
    renewed(session) {
      const isFresh = seconds() < session.issuedAt + idleSeconds / 4;
      const isLast = session.expiresAt >= session.startedAt + lifetimeSeconds;
      if (isFresh || isLast) return undefined;
      // It is shown on the settings page only: nobody waits for it, or is refused without it.
      records.seen(revocable(session)).catch(() => undefined);
      return issue(session);
    },
    end: (session) => revocations.revoke(revocable(session)),
    endAll: (session) => revocations.revokeAll(subjectOf(session.person)),
    list,
    async endOne(subject, id) {
      const found = (await list(subject)).find((each) => each.id === id);
      if (found === undefined) return false;
      const { startedAt } = found;
      await revocations.revoke({ subject, sessionId: id, startedAt });
      return true;
    },
    endOthers: (subject, id) => revocations.revokeAll(subject, id),
  };
}

type GroupClaim = [path: string, id: string | null, admin: 0 | 1];

function toClaim({ path, id, admin }: Group): GroupClaim {
  return [path, id ?? null, admin ? 1 : 0];
}

function fromClaim([path, id, admin]: GroupClaim): Group {
  return { path, ...(id === null ? {} : { id }), admin: admin === 1 };
}
