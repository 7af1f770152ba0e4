import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import type { TokenKeys } from './token.ts';

/** A login under way: what the browser keeps, and what the provider is told. */
export interface LoginAttempt {
  /** Goes to the provider and comes back with its answer. */
  readonly state: string;
  /** The PKCE secret (RFC 7636); only its digest goes to the provider before the code is there. */
  readonly verifier: string;
  /** Where the visitor wanted to go; a path on the system host. */
  readonly returnPath: string;
}

/** Begins logins and takes them up again when the provider sends the visitor back. */
export interface LoginAttempts {
  begin(returnPath: string): { attempt: LoginAttempt; challenge: string; cookie: string };
  /**
   * Reads the attempt and uses it up: each can be finished once, in the browser that began it.
   *
   * @throws CloudError `OFC_UNAUTHENTICATED`
   */
  finish(cookie: string | undefined, state: string): LoginAttempt;
}

/** A login must be finished within this time. */
export const loginLifetimeSeconds = 600;

const tokenType = 'login+jwt';

const attemptSchema = v.object({
  state: v.string(),
  verifier: v.string(),
  returnPath: v.string(),
});

/**
 * Makes {@link LoginAttempts}. The attempt travels in a signed cookie, so that nothing is stored for
 * visitors who never come back; only finished ones are remembered, until they would expire.
 */
export function createLoginAttempts(keys: TokenKeys, audience: string): LoginAttempts {
  const used = new LRUCache<string, true>({ max: 10_000, ttl: loginLifetimeSeconds * 1000 });
  return {
    begin(returnPath) {
      const attempt = { state: randomText(), verifier: randomText(), returnPath };
      const challenge = createHash('sha256').update(attempt.verifier).digest('base64url');
      const cookie = keys.sign(tokenType, audience, attempt, loginLifetimeSeconds);
      return { attempt, challenge, cookie };
    },
    finish(cookie, state) {
      const attempt = v.parse(attemptSchema, keys.verify(tokenType, audience, cookie ?? ''));
      if (!sameText(attempt.state, state)) {
        throw new CloudError('OFC_UNAUTHENTICATED', 'The login was begun in another browser.');
      }
      if (used.has(attempt.state)) {
        throw new CloudError('OFC_UNAUTHENTICATED', 'The login was finished before.');
      }
      used.set(attempt.state, true);
      return attempt;
    },
  };
}

function randomText(): string {
  return randomBytes(32).toString('base64url');
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
