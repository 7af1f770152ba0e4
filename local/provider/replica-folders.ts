import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudError } from '#shared/errors.ts';
import type { FunctionSpec } from './provider.ts';

/** Reads a secret's value; `undefined` if there is none of that name in the namespace. */
export type ReadSecret = (name: string, namespace: string) => Promise<Buffer | undefined>;

/** The folders of one replica, made before it starts and removed after it ended. */
export interface OwnFolders {
  readonly home: string;
  readonly tmp: string;
  readonly secrets: string;
  readonly socket: string;
  /** What the secrets hold. */
  readonly secretValues: readonly Buffer[];
  remove(): Promise<void>;
}

/**
 * Makes a replica's folders under `parent` and writes its secrets.
 *
 * @throws CloudError `OFC_DEPLOY_FAILED` if a secret does not exist.
 */
export async function makeReplicaFolders(
  parent: string,
  { secrets, namespace }: Pick<FunctionSpec, 'secrets' | 'namespace'>,
  readSecret: ReadSecret,
): Promise<OwnFolders> {
  const home = await mkdtemp(join(parent, 'r'));
  const remove = (): Promise<void> => rm(home, { recursive: true, force: true, maxRetries: 3 });
  const secretValues: Buffer[] = [];
  const folders = { home, tmp: join(home, 't'), secrets: join(home, 's'), socket: join(home, 'l') };
  try {
    await Promise.all(
      [folders.tmp, folders.secrets, folders.socket].map((path) => mkdir(path, { mode: 0o700 })),
    );
    for (const name of secrets) {
      const value = await findSecret(name, namespace, readSecret);
      secretValues.push(value);
      await writeFile(join(folders.secrets, name), value, { mode: 0o400, flag: 'wx' });
    }
    return { ...folders, secretValues, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** @throws CloudError `OFC_DEPLOY_FAILED` if the secret does not exist. */
export async function findSecret(
  name: string,
  namespace: string,
  readSecret: ReadSecret,
): Promise<Buffer> {
  // It becomes a file's name.
  const value = /^[a-z0-9][a-z0-9._-]*$/i.test(name)
    ? await readSecret(name, namespace)
    : undefined;
  if (value !== undefined) return value;
  throw new CloudError('OFC_DEPLOY_FAILED', `The secret "${name}" does not exist.`, {
    hint: `Create it with "faas-cli secret create ${name}".`,
  });
}
