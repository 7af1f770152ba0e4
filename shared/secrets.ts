import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudError } from './errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The folder of secrets: `secret_mount_path`, or where OpenFaaS mounts them. */
export function secretFolder(env: Environment = process.env): string {
  return env['secret_mount_path'] || '/var/openfaas/secrets';
}

/**
 * Reads one secret, without surrounding white space.
 *
 * @throws CloudError `OFC_CONFIG` if it is missing or empty. The value never appears in a message.
 */
export function readSecret(name: string, env: Environment = process.env): string {
  const value = readOptionalSecret(name, env);
  if (value === undefined) {
    throw new CloudError('OFC_CONFIG', `The secret "${name}" is missing or empty.`, {
      hint: `Create it with "faas-cli secret create ${name}" and list it for the function in stack.yml.`,
    });
  }
  return value;
}

/** Reads a secret that may be absent: `undefined` if the file is missing or empty. */
export function readOptionalSecret(
  name: string,
  env: Environment = process.env,
): string | undefined {
  const path = join(secretFolder(env), name);
  try {
    const value = readFileSync(path, 'utf8').trim();
    return value === '' ? undefined : value;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CloudError('OFC_CONFIG', `The secret "${name}" cannot be read.`, { cause: error });
  }
}
