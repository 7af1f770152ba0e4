import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FunctionSpec } from './provider.ts';
import { findSecret, type ReadSecret } from './replica-folders.ts';

/** A folder to mount into a container. */
export interface SecretFolder {
  /** `undefined` if the function has no secrets. */
  readonly path: string | undefined;
  /** What the secrets hold. */
  readonly values: readonly Buffer[];
  remove(): Promise<void>;
}

/**
 * Writes a function's secrets so that whatever user its container has can read them. On this machine
 * nobody else can: the folder above is its owner's.
 *
 * @param parent A folder with mode 0700.
 * @throws CloudError `OFC_DEPLOY_FAILED` if a secret does not exist.
 */
export async function makeSecretFolder(
  parent: string,
  { secrets, namespace }: Pick<FunctionSpec, 'secrets' | 'namespace'>,
  readSecret: ReadSecret,
): Promise<SecretFolder> {
  if (secrets.length === 0) return { path: undefined, values: [], remove: async () => undefined };
  const home = await mkdtemp(join(parent, 's'));
  const remove = (): Promise<void> => rm(home, { recursive: true, force: true, maxRetries: 3 });
  try {
    const path = join(home, 'secrets');
    await mkdir(path);
    const values: Buffer[] = [];
    for (const name of secrets) {
      const value = await findSecret(name, namespace, readSecret);
      values.push(value);
      await writeFile(join(path, name), value, { mode: 0o600, flag: 'wx' });
      // Not left to the umask.
      await chmod(join(path, name), 0o444);
    }
    await chmod(path, 0o755);
    return { path, values, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
