import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Who may use the system routes. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Checks HTTP Basic credentials (RFC 7617) in constant time; without any configured all may pass. */
export function createBasicAuth(
  credentials: Credentials | undefined,
): (request: IncomingMessage) => boolean {
  if (credentials === undefined) return () => true;
  const expected = digest(`${credentials.user}:${credentials.password}`);
  return ({ headers }) => {
    const [, encoded = ''] = /^basic +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
    return timingSafeEqual(digest(Buffer.from(encoded, 'base64')), expected);
  };
}

/** OpenFaaS's answer to missing or wrong credentials. */
export function sendUnauthenticated(response: ServerResponse): void {
  response
    .writeHead(401, {
      'WWW-Authenticate': 'Basic realm="Restricted"',
      'Content-Type': 'text/plain; charset=utf-8',
    })
    .end('invalid credentials');
}

/** Digests have one length, so comparing them tells nothing of the secret's. */
function digest(value: string | Buffer): Buffer {
  return createHash('sha256').update(value).digest();
}
