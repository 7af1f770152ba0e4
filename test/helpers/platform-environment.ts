import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mergeEnvironment, parseEnvironmentFile } from '#shared/stack-file/environment-file.ts';
import { parseStack } from '#shared/stack-file/parse-stack.ts';
import type { StackFile, StackFunction } from '#shared/stack-file/stack-file.ts';
import { readSource, root } from './source-files.ts';

/** The platform's stack.yml. */
export function platformStack(env: Readonly<Record<string, string>> = {}): StackFile {
  return parseStack(readSource('stack.yml'), { env });
}

/** The variables of one file beside stack.yml. */
export function environmentFile(file: string): Record<string, string> {
  return parseEnvironmentFile(readFileSync(join(root, file), 'utf8'), { fileName: file });
}

/** Everything that stack.yml gives a function. */
export function environmentOf(fn: StackFunction): Record<string, string> {
  return mergeEnvironment(fn.environment, fn.environmentFiles.map(environmentFile));
}

/** The same, with a value for the one variable that has none before the operator gives it. */
export function operatedEnvironment(fn: StackFunction): Record<string, string> {
  const { client_id: _, ...environment } = environmentOf(fn);
  return { client_id: 'id', ...environment };
}

/** Writes values for all of the platform's secrets into `folder`. */
export async function writePlatformSecrets(folder: string): Promise<void> {
  const session = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const app = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = (key: KeyObject) =>
    String(key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' }));
  const values: Record<string, string> = {
    'payload-secret': 'payload',
    'github-webhook-secret': 'webhook',
    'gitlab-webhook-secret': 'webhook-of-gitlab',
    'gitlab-api-token': 'glpat',
    'gitea-webhook-secret': 'webhook-of-gitea',
    'gitea-api-token': 'gitea',
    'jwt-private-key': pem(session.privateKey),
    'jwt-public-key': pem(session.publicKey),
    's3-access-key': 'access',
    's3-secret-key': 'secret',
    'basic-auth-user': 'admin',
    'basic-auth-password': 'password',
    'private-key': pem(app.privateKey),
    'sealing-private-key': Buffer.alloc(32, 7).toString('base64'),
    'of-client-secret': 'client',
    customers: 'alice\n',
  };
  for (const [name, value] of Object.entries(values)) await writeFile(join(folder, name), value);
}
