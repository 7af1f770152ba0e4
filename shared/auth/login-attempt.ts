import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import type { FleetingRecords } from './fleeting.ts';
import type { TokenKeys } from './token.ts';

/** A login under way: what the browser keeps, and what the provider is told. */
export interface LoginAttempt {
  /** The name of the provider that was asked. */
  readonly provider: string;
  /** Goes to the provider and comes back with its answer. */
  readonly state: string;
  /** The PKCE secret (RFC 7636); only its digest goes to the provider before the code is there. */
  readonly verifier: string;
  /** Where the visitor wanted to go; a path on the system host. */
  readonly returnPath: string;
}

/** Begins logins and takes them up again when the provider sends the visitor back. */
export interface LoginAttempts {
  begin(
    provider: string,
    returnPath: string,
  ): { attempt: LoginAttempt; challenge: string; cookie: string };
  /**
   * Reads the attempt and uses it up: each can be finished once, in the browser that began it, with
   * the answer of the provider that was asked.
   *
   * @throws CloudError `OFC_UNAUTHENTICATED`, or `OFC_UPSTREAM` if nobody can say whether it was used.
   */
  finish(provider: string, cookie: string | undefined, state: string): Promise<LoginAttempt>;
}

/** A login must be finished within this time. */
export const loginLifetimeSeconds = 600;

const tokenType = 'login+jwt';

const attemptSchema = v.object({
  provider: v.string(),
  state: v.string(),
  verifier: v.string(),
  returnPath: v.string(),
  exp: v.number(),
});

/**
 * Makes {@link LoginAttempts}. The attempt travels in a signed cookie, so that nothing is stored for
 * visitors who never come back; only finished ones are remembered, until they would expire.
 */
export function createLoginAttempts(
  keys: TokenKeys,
  audience: string,
  used: FleetingRecords,
): LoginAttempts {
  return {
    begin(provider, returnPath) {
      const attempt = { provider, state: randomText(), verifier: randomText(), returnPath };
      const challenge = digestOf(attempt.verifier);
      const cookie = keys.sign(tokenType, audience, attempt, loginLifetimeSeconds);
      return { attempt, challenge, cookie };
    },
    async finish(provider, cookie, state) {
      const { exp, ...attempt } = v.parse(
        attemptSchema,
        keys.verify(tokenType, audience, cookie ?? ''),
      );
      if (attempt.provider !== provider || !sameText(attempt.state, state)) {
        throw new CloudError('OFC_UNAUTHENTICATED', 'The login was begun in another browser.');
      }
      if (!(await used.once('login', attempt.state, exp))) {
        throw new CloudError('OFC_UNAUTHENTICATED', 'The login was finished before.');
      }
      return attempt;
    },
  };
}

/** 256 random bits, for what must not be guessed. */
export function randomText(): string {
  return randomBytes(32).toString('base64url');
}

/** The SHA-256 of a text as base64url, as PKCE's method S256 has it. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Compares in a time that does not depend on the texts. */
export function sameText(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(digestOf(a)), Buffer.from(digestOf(b)));
}
