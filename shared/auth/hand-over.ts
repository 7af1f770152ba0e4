import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import type { FleetingRecords } from './fleeting.ts';
import { digestOf, loginLifetimeSeconds, randomText, sameText } from './login-attempt.ts';
import { personSchema } from './people.ts';
import type { Session } from './session.ts';
import type { TokenKeys } from './token.ts';

/**
 * Hands a session over from the system host to a host of an owner, as cookies of one host are not seen
 * on another. Three steps, in one browser:
 *
 * 1. `begin` on the owner's host: the browser keeps a secret, the system host gets a signed request.
 * 2. `grant` on the system host, where the session is: a code for that host and that browser.
 * 3. `redeem` on the owner's host: code and secret give the session, once, within a minute.
 */
export interface HandOver {
  /** `challenge` names the hand-over; it is no secret. */
  begin(host: string, returnPath: string): { cookie: string; request: string; challenge: string };
  /** @throws CloudError `OFC_UNAUTHENTICATED` if the request is none of ours or out of date. */
  grant(
    request: string,
    session: Session,
  ): Promise<{ host: string; code: string; challenge: string }>;
  /** @throws CloudError `OFC_UNAUTHENTICATED` */
  redeem(
    host: string,
    cookie: string | undefined,
    code: string,
  ): Promise<{ session: Session; returnPath: string }>;
}

const codeSeconds = 60;
const attemptType = 'handover+jwt';
const requestType = 'handover-request+jwt';

const attemptSchema = v.object({ secret: v.string(), returnPath: v.string() });
const requestSchema = v.object({ host: v.string(), challenge: v.string() });
const grantSchema = v.object({
  host: v.string(),
  challenge: v.string(),
  session: v.object({
    id: v.string(),
    person: personSchema,
    host: v.string(),
    startedAt: v.number(),
    issuedAt: v.number(),
    expiresAt: v.number(),
  }),
});

/**
 * Makes a {@link HandOver}. A code stands for nothing but a record in the object store, under its
 * digest, so an address that leaks tells nobody anything after a minute or the first use.
 *
 * @param now Milliseconds, for tests.
 */
export function createHandOver(
  keys: TokenKeys,
  systemHost: string,
  records: FleetingRecords,
  now: () => number = Date.now,
): HandOver {
  return {
    begin(host, returnPath) {
      const secret = randomText();
      const challenge = digestOf(secret);
      const request = { host, challenge };
      return {
        challenge,
        cookie: keys.sign(attemptType, host, { secret, returnPath }, loginLifetimeSeconds),
        request: keys.sign(requestType, systemHost, request, loginLifetimeSeconds),
      };
    },
    async grant(request, session) {
      const { host, challenge } = v.parse(
        requestSchema,
        keys.verify(requestType, systemHost, request),
      );
      const expiresAt = Math.floor(now() / 1000) + codeSeconds;
      const code = `${expiresAt}.${randomText()}`;
      await records.put('hand-over', code, expiresAt, { host, challenge, session });
      return { host, code, challenge };
    },
    async redeem(host, cookie, code) {
      const { secret, returnPath } = v.parse(
        attemptSchema,
        keys.verify(attemptType, host, cookie ?? ''),
      );
      const expiresAt = Number(/^(\d{1,12})\.[\w-]{43}$/.exec(code)?.[1] ?? 0);
      const granted = await records.take('hand-over', code, expiresAt, grantSchema);
      if (granted?.host !== host || !sameText(granted.challenge, digestOf(secret))) {
        throw new CloudError('OFC_UNAUTHENTICATED', 'The code is out of date or was used before.');
      }
      return { session: granted.session, returnPath };
    },
  };
}
