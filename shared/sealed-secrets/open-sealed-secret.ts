import {
  constants,
  createDecipheriv,
  createPrivateKey,
  type KeyObject,
  privateDecrypt,
} from 'node:crypto';
import { CloudError } from '../errors.ts';

const tagBytes = 16;

/**
 * Reads the private keys of a SealedSecrets controller: one or more PEM blocks, one after the other.
 *
 * @throws CloudError `OFC_CONFIG`
 */
export function parseControllerKeys(pem: string): KeyObject[] {
  const blocks = pem.match(/-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/g) ?? [];
  try {
    const keys = blocks.map((block) => createPrivateKey(block));
    if (keys.length > 0 && keys.every(({ asymmetricKeyType }) => asymmetricKeyType === 'rsa'))
      return keys;
  } catch {
    // said below: what Node throws may quote the text
  }
  throw new CloudError('OFC_CONFIG', 'The secret "sealed-secrets-key" is not RSA keys in PEM.', {
    hint: "Take tls.key of the SealedSecrets controller's secret.",
  });
}

/**
 * Opens one value of a SealedSecret of the strict scope: the length of a session key in two bytes, the key
 * (RSA-OAEP, SHA-256, labelled `namespace/name`), and the value (AES-256-GCM; the key is used once, so
 * the nonce is zero).
 *
 * @returns `undefined` if none of the keys opens it under this name
 */
export function openSealedValue(
  sealed: Buffer,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  keys: readonly KeyObject[],
): Buffer | undefined {
  if (sealed.length < 2) return undefined;
  const end = 2 + sealed.readUInt16BE(0);
  const box = sealed.subarray(end);
  if (box.length < tagBytes) return undefined;
  const oaep = {
    padding: constants.RSA_PKCS1_OAEP_PADDING,
    oaepHash: 'sha256',
    oaepLabel: Buffer.from(`${namespace}/${name}`),
  };
  for (const key of keys) {
    try {
      const sessionKey = privateDecrypt({ key, ...oaep }, sealed.subarray(2, end));
      const decipher = createDecipheriv('aes-256-gcm', sessionKey, Buffer.alloc(12), {
        authTagLength: tagBytes,
      });
      decipher.setAuthTag(box.subarray(-tagBytes));
      return Buffer.concat([decipher.update(box.subarray(0, -tagBytes)), decipher.final()]);
    } catch {
      // sealed for another key, or for another name
    }
  }
  return undefined;
}
