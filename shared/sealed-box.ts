import { hkdfSync } from 'node:crypto';
import nacl from 'tweetnacl';
import { stringify } from 'yaml';
import { CloudError } from './errors.ts';
import type { Owner } from './names.ts';
import { readYaml } from './stack-file/read-yaml.ts';

/** The name of a sealed file, in a repo and in the body of a builder request. */
export const sealedFileName = 'com.openfaas.secrets';

const version = 'v1';
const algorithm = 'nacl/box';
const code = 'OFC_SECRETS';

/** A Curve25519 key pair, as `faas-cli secret keygen` makes it. */
export interface SealingKeys {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

/** One value of a sealed file, and the line where it stands. */
export interface OpenedSecret {
  readonly value: Buffer;
  /** As it stands in the file. */
  readonly sealed: string;
  readonly line: number;
}

/**
 * Reads a private key: 32 bytes in base64, as in the file `key` of `faas-cli secret keygen`.
 *
 * @throws CloudError `OFC_CONFIG`; the text is not in the message.
 */
export function parsePrivateKey(text: string): SealingKeys {
  const key = decodeKey(text);
  if (key === undefined) {
    throw new CloudError('OFC_CONFIG', 'The private key of sealed secrets is not one.', {
      hint: 'Make one with "faas-cli secret keygen" or secrets/generate.mjs: 32 bytes in base64.',
    });
  }
  return pairOf(key);
}

/**
 * Reads a public key: 32 bytes in base64, as in the file `key.pub` of `faas-cli secret keygen`.
 *
 * @throws CloudError `OFC_BAD_REQUEST`
 */
export function parsePublicKey(text: string): Uint8Array {
  const key = decodeKey(text);
  if (key === undefined) {
    throw new CloudError('OFC_BAD_REQUEST', 'The public key is not 32 bytes in base64.');
  }
  return key;
}

/** A key as text, without a line break. */
export function encodeKey(key: Uint8Array): string {
  return Buffer.from(key).toString('base64');
}

/** What a sealed file says of the key it was made for: the first eight characters of the public key. */
export function keyId(publicKey: Uint8Array): string {
  return encodeKey(publicKey).slice(0, 8);
}

/** What a builder answers on `/publickey`, as faas-cli reads it. */
export function describePublicKey(publicKey: Uint8Array): {
  key_id: string;
  algorithm: string;
  public_key: string;
} {
  return { key_id: keyId(publicKey), algorithm, public_key: encodeKey(publicKey) };
}

/**
 * The keys for what one owner seals, derived from the platform's (HKDF-SHA-256, RFC 5869). A box says
 * nothing about who made it: with one key for all, an owner could copy the file of another's public
 * repo, and read the values in a function of their own.
 */
export function ownerKeys(platform: SealingKeys, owner: Owner): SealingKeys {
  const info = `openfaas-cloud sealed secrets of ${owner}`;
  const key = hkdfSync(
    'sha256',
    platform.privateKey,
    Buffer.alloc(0),
    info,
    nacl.box.secretKeyLength,
  );
  return pairOf(new Uint8Array(key));
}

/**
 * Seals values as `faas-cli secret seal` does: NaCl's box (X25519, XSalsa20-Poly1305) from a key pair that is
 * made for this file alone, a nonce before each box, names readable.
 *
 * @returns the text of a {@link sealedFileName} file
 */
export function sealSecrets(
  publicKey: Uint8Array,
  values: Readonly<Record<string, Uint8Array>>,
): string {
  const sender = nacl.box.keyPair();
  const seal = (value: Uint8Array): string => {
    const nonce = nacl.randomBytes(nacl.box.nonceLength);
    const box = nacl.box(value, nonce, publicKey, sender.secretKey);
    return Buffer.concat([nonce, box]).toString('base64');
  };
  const secrets = Object.entries(values).map(([name, value]) => [name, seal(value)]);
  const file = {
    version,
    algorithm,
    key_id: keyId(publicKey),
    public_key: encodeKey(sender.publicKey),
    secrets: Object.fromEntries(secrets),
  };
  return stringify(file, { lineWidth: 0 });
}

/**
 * Opens a file of {@link sealSecrets} or faas-cli. Whoever made it may be hostile.
 *
 * @param keys The pairs it may be sealed for: the current one, and older ones in a rotation.
 * @param fileName How messages name it.
 * @returns the values by name
 * @throws CloudError `OFC_SECRETS` with the line; no value is in a message.
 */
export function openSecrets(
  text: string,
  keys: readonly SealingKeys[],
  fileName: string = sealedFileName,
): Map<string, OpenedSecret> {
  const root = readYaml(text, { fileName, code });
  const fields = root.map();
  const field = (name: string) => {
    const value = fields.get(name);
    if (value === undefined) throw root.error(`The key "${name}" is missing.`, howToSeal);
    return value;
  };
  for (const [name, expected] of Object.entries({ version, algorithm })) {
    const found = field(name);
    if (found.text() !== expected)
      throw found.error(`The ${name} is not "${expected}".`, howToSeal);
  }
  const sender = decodeKey(field('public_key').text());
  if (sender === undefined) throw field('public_key').error('This is not a public key.', howToSeal);

  const opened = new Map<string, OpenedSecret>();
  for (const [name, sealed] of field('secrets').map()) {
    const bytes = decodeBase64(sealed.text());
    const value = bytes && openBox(bytes, sender, keys);
    if (!value) {
      throw sealed.error(
        `The value of "${name}" cannot be opened: it was sealed for another key or owner, or it was changed.`,
        howToSeal,
      );
    }
    opened.set(name, { value, sealed: sealed.text(), line: sealed.line });
  }
  return opened;
}

const howToSeal = 'Fetch the public key again and make the file with "faas-cli secret seal".';

function pairOf(privateKey: Uint8Array): SealingKeys {
  return { publicKey: nacl.box.keyPair.fromSecretKey(privateKey).publicKey, privateKey };
}

function openBox(
  bytes: Buffer,
  sender: Uint8Array,
  keys: readonly SealingKeys[],
): Buffer | undefined {
  const nonce = bytes.subarray(0, nacl.box.nonceLength);
  const box = bytes.subarray(nacl.box.nonceLength);
  if (nonce.length < nacl.box.nonceLength) return undefined;
  for (const { privateKey } of keys) {
    const value = nacl.box.open(box, nonce, sender, privateKey);
    if (value !== null) return Buffer.from(value);
  }
  return undefined;
}

function decodeKey(text: string): Uint8Array | undefined {
  const bytes = decodeBase64(text.trim());
  return bytes?.length === nacl.box.publicKeyLength ? new Uint8Array(bytes) : undefined;
}

/** Node's own decoder skips what it does not know. */
function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
