import sodium from 'libsodium-wrappers';

/**
 * A sealed file as `faas-cli secret seal` writes it, made by libsodium: an implementation that shares
 * nothing with the one under test. Await `sodium.ready` before.
 */
export function sealWithSodium(
  publicKey: Uint8Array,
  values: Readonly<Record<string, Uint8Array>>,
): string {
  const sender = sodium.crypto_box_keypair();
  const lines = Object.entries(values).map(([name, value]) => {
    const nonce = sodium.randombytes_buf(sodium.crypto_box_NONCEBYTES);
    const box = sodium.crypto_box_easy(value, nonce, publicKey, sender.privateKey);
    return `    ${name}: ${Buffer.concat([nonce, box]).toString('base64')}\n`;
  });
  const key = Buffer.from(publicKey).toString('base64');
  return `version: v1
algorithm: nacl/box
key_id: ${key.slice(0, 8)}
public_key: ${Buffer.from(sender.publicKey).toString('base64')}
secrets:
${lines.join('')}`;
}
