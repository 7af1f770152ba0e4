import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Who may push to the embedded registry: the builder. */
export interface PushCredentials {
  /** For the registry's client. */
  readonly client: { readonly username: string; readonly password: string };
  /** For the registry: compares in constant time. */
  authorize(request: IncomingMessage): boolean;
}

/** Makes the one account of the embedded registry. */
export function registryCredentials(password: string): PushCredentials {
  const username = 'push';
  const expected = digest(`Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`);
  return {
    client: { username, password },
    authorize: ({ headers }) => timingSafeEqual(digest(headers.authorization ?? ''), expected),
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
