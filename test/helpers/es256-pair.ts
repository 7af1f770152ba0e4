import { generateKeyPairSync } from 'node:crypto';

/** A fresh P-256 pair as PEM texts. */
export function es256Pair(): { privateKey: string; publicKey: string } {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
}
