import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { CloudError } from '../errors.ts';

/** The header that carries a signature between functions. Never taken from outside. */
export const signatureHeader = 'x-cloud-signature';

/** What a signature covers. */
export interface SignedParts {
  /** The function that is to act on it; its key is derived from this name. */
  readonly receiver: string;
  /** The HTTP method, or another word for what is signed (`CALLBACK`, `IDENTITY`). */
  readonly method: string;
  /** Path and query as the receiver sees them, such as `/?step=built`. */
  readonly path: string;
  readonly body: Buffer | string;
}

/** Signs and verifies messages between the platform's functions. */
export interface Signer {
  /** A header value `v1,<unix seconds>,<hex>`. */
  sign(parts: SignedParts): string;
  /**
   * Checks a header value in constant time, and that it is not older than `maxAgeSeconds`.
   *
   * @throws CloudError `OFC_UNAUTHENTICATED`
   */
  verify(parts: SignedParts, header: string | undefined, maxAgeSeconds?: number): void;
}

/** How old an asynchronous message may be: it can wait in a queue, and be tried again. */
export const defaultMaxAgeSeconds = 3600;

/** How far a sender's clock may be ahead. */
const maxSkewSeconds = 60;

/**
 * Makes a {@link Signer}: HMAC-SHA-256 with a key that HKDF (RFC 5869) derives from the platform's
 * secret for each receiver, so a message for one function is worth nothing at another.
 *
 * @param secrets `payload-secret`, and during a rotation also the one before.
 * @param now Milliseconds, for tests.
 */
export function createSigner(
  secrets: { readonly current: string; readonly previous?: string | undefined },
  now: () => number = Date.now,
): Signer {
  const keys = new Map<string, Buffer>();
  const keyOf = (secret: string, receiver: string): Buffer => {
    const cached = keys.get(`${receiver}\0${secret}`);
    if (cached !== undefined) return cached;
    const info = `ofc-message-v1:${receiver}`;
    const key = Buffer.from(hkdfSync('sha256', secret, 'openfaas-cloud', info, 32));
    keys.set(`${receiver}\0${secret}`, key);
    return key;
  };
  const digest = (secret: string, seconds: number, parts: SignedParts): Buffer =>
    createHmac('sha256', keyOf(secret, parts.receiver)).update(canonical(seconds, parts)).digest();
  const accepted = [secrets.current, ...(secrets.previous ? [secrets.previous] : [])];

  return {
    sign(parts) {
      const seconds = Math.floor(now() / 1000);
      return `v1,${seconds},${digest(secrets.current, seconds, parts).toString('hex')}`;
    },
    verify(parts, header, maxAgeSeconds = defaultMaxAgeSeconds) {
      const match = /^v1,(\d{1,12}),([0-9a-f]{64})$/.exec(header ?? '');
      if (match === null) throw refused('is missing or malformed');
      const [, stamp = '', hex = ''] = match;
      const seconds = Number(stamp);
      const age = now() / 1000 - seconds;
      if (age > maxAgeSeconds || age < -maxSkewSeconds) throw refused('is out of date');
      const given = Buffer.from(hex, 'hex');
      const matches = accepted.map((secret) =>
        timingSafeEqual(digest(secret, seconds, parts), given),
      );
      if (!matches.includes(true)) throw refused('does not match');
    },
  };
}

function canonical(seconds: number, { receiver, method, path, body }: SignedParts): string {
  const bodyDigest = createHash('sha256').update(body).digest('hex');
  return ['v1', receiver, method, path, seconds, bodyDigest].join('\n');
}

function refused(why: string): CloudError {
  return new CloudError('OFC_UNAUTHENTICATED', `The message's signature ${why}.`);
}
