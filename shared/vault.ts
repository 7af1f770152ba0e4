import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** Seals texts that the platform keeps in the object store and must read again. */
export interface Vault {
  /** @param place The record it belongs to: what is sealed opens nowhere else. */
  seal(text: string, place: string): string;
  /**
   * `undefined` if it was changed, is of another place, or of a secret that is not known any more.
   * `stale`: of the secret before; seal it anew.
   */
  open(
    sealed: string,
    place: string,
  ): { readonly text: string; readonly stale: boolean } | undefined;
}

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Makes a {@link Vault}: AES-256-GCM (NIST SP 800-38D) with a key that HKDF (RFC 5869) derives from the
 * platform's secret. Whoever reads the store alone reads nothing of it.
 *
 * @param secrets `payload-secret`, and during a rotation also the one before.
 */
export function createVault(secrets: {
  readonly current: string;
  readonly previous?: string | undefined;
}): Vault {
  const keyOf = (secret: string): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, 'openfaas-cloud', 'ofc-vault-v1', 32));
  const current = keyOf(secrets.current);
  const keys = [current, ...(secrets.previous ? [keyOf(secrets.previous)] : [])];
  return {
    seal(text, place) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, current, nonce).setAAD(Buffer.from(place));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64');
    },
    open(sealed, place) {
      const bytes = Buffer.from(sealed, 'base64');
      if (bytes.length < nonceBytes + tagBytes) return undefined;
      for (const key of keys) {
        const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes))
          .setAAD(Buffer.from(place))
          .setAuthTag(bytes.subarray(-tagBytes));
        try {
          const body = decipher.update(bytes.subarray(nonceBytes, -tagBytes));
          const text = Buffer.concat([body, decipher.final()]).toString('utf8');
          return { text, stale: key !== current };
        } catch {
          // Sealed with the other key, or not by us.
        }
      }
      return undefined;
    },
  };
}
