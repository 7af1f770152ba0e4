import { constants, createCipheriv, type KeyObject, publicEncrypt, randomBytes } from 'node:crypto';
import { stringify } from 'yaml';

/**
 * Seals one value as kubeseal does, from the description of its format: a session key of 32 bytes under RSA-OAEP
 * with the scope as label, its length in two bytes before it, and the value under AES-256-GCM behind it.
 *
 * @param label `namespace/name` for the strict scope.
 */
export function kubesealValue(publicKey: KeyObject, label: string, value: string): string {
  const sessionKey = randomBytes(32);
  const wrapped = publicEncrypt(
    {
      key: publicKey,
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: 'sha256',
      oaepLabel: Buffer.from(label),
    },
    sessionKey,
  );
  const length = Buffer.alloc(2);
  length.writeUInt16BE(wrapped.length);
  const cipher = createCipheriv('aes-256-gcm', sessionKey, Buffer.alloc(12));
  const box = [cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat([length, wrapped, ...box]).toString('base64');
}

/** A SealedSecret document as kubeseal prints it. */
export function kubeseal(
  publicKey: KeyObject,
  name: string,
  values: Readonly<Record<string, string>>,
  namespace = 'openfaas-fn',
): string {
  const sealed = Object.entries(values).map(([key, value]) => [
    key,
    kubesealValue(publicKey, `${namespace}/${name}`, value),
  ]);
  return stringify({
    apiVersion: 'bitnami.com/v1alpha1',
    kind: 'SealedSecret',
    metadata: { creationTimestamp: null, name, namespace },
    spec: {
      encryptedData: Object.fromEntries(sealed),
      template: { metadata: { creationTimestamp: null, name, namespace } },
    },
  });
}
