import * as v from 'valibot';
import type { Identity } from '../messages/identity.ts';
import type { TokenKeys } from './token.ts';

/** Who is signed in, and for how long still. */
export interface Session {
  readonly identity: Identity;
  readonly expiresInSeconds: number;
}

/** Makes and reads session tokens. They hold no token of the provider. */
export interface Sessions {
  create(identity: Identity): string;
  /** `undefined` for everything but a valid token of this platform: the visitor signs in again. */
  read(token: string | undefined): Session | undefined;
}

const tokenType = 'session+jwt';

const claimsSchema = v.object({
  sub: v.string(),
  login: v.string(),
  owners: v.array(v.string()),
  exp: v.number(),
});

/**
 * Makes {@link Sessions} for one audience, the system host.
 *
 * @param lifetimeSeconds How long a new session lasts.
 */
export function createSessions(
  keys: TokenKeys,
  audience: string,
  lifetimeSeconds: number,
): Sessions {
  return {
    create: ({ subject, login, owners }) =>
      keys.sign(tokenType, audience, { sub: subject, login, owners }, lifetimeSeconds),
    read(token) {
      if (token === undefined || token === '') return undefined;
      try {
        const { sub, login, owners, exp } = v.parse(
          claimsSchema,
          keys.verify(tokenType, audience, token),
        );
        return {
          identity: { subject: sub, login, owners },
          expiresInSeconds: exp - Math.floor(Date.now() / 1000),
        };
      } catch {
        return undefined;
      }
    },
  };
}
