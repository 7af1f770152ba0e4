import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { SecretStore } from '../secrets/secret-store.ts';

/** The secrets that parts of the embedded platform themselves need. */
export interface PlatformSecrets {
  readonly payload: string;
  readonly webhook: string;
  readonly gatewayUser: string;
  readonly gatewayPassword: string;
  readonly s3AccessKey: string;
  readonly s3SecretKey: string;
  readonly oauthClientSecret: string;
  readonly registryPassword: string;
  /** The public half of the GitHub App's key. */
  readonly appPublicKey: string;
}

/** Creates the secrets that are missing, at the first start all of them, and reads them. */
export async function preparePlatformSecrets(secrets: SecretStore): Promise<PlatformSecrets> {
  const existing = new Set(await secrets.list());
  const keep = async (values: Readonly<Record<string, string>>): Promise<void> => {
    for (const [name, value] of Object.entries(values)) {
      if (!existing.has(name)) await secrets.create(name, Buffer.from(value));
    }
  };
  const random = (bytes = 32) => randomBytes(bytes).toString('base64url');
  await keep({
    'payload-secret': random(),
    'github-webhook-secret': random(),
    'basic-auth-user': 'admin',
    'basic-auth-password': random(18),
    's3-access-key': random(15),
    's3-secret-key': random(30),
    'of-client-secret': random(),
    'registry-password': random(),
    'sealing-private-key': randomBytes(32).toString('base64'),
    customers: '\n',
  });
  if (!existing.has('jwt-private-key')) await keep(keyPair('jwt-private-key', 'jwt-public-key'));
  if (!existing.has('private-key')) await keep(rsaKeyPair());

  const read = async (name: string): Promise<string> =>
    (await secrets.read(name))?.toString('utf8').trim() ?? '';
  return {
    payload: await read('payload-secret'),
    webhook: await read('github-webhook-secret'),
    gatewayUser: await read('basic-auth-user'),
    gatewayPassword: await read('basic-auth-password'),
    s3AccessKey: await read('s3-access-key'),
    s3SecretKey: await read('s3-secret-key'),
    oauthClientSecret: await read('of-client-secret'),
    registryPassword: await read('registry-password'),
    appPublicKey: await read('private-key-public'),
  };
}

/** Session tokens are ES256. */
function keyPair(privateName: string, publicName: string): Record<string, string> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { [privateName]: privateKey, [publicName]: publicKey };
}

/** A GitHub App signs with RS256. */
function rsaKeyPair(): Record<string, string> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { 'private-key': privateKey, 'private-key-public': publicKey };
}
