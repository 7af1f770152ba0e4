import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudError } from '#shared/errors.ts';
import { defaultNamespace } from '../provider/provider.ts';

/** The secrets of one gateway. Values never leave it but through {@link SecretStore.read}. */
export interface SecretStore {
  /** All names, sorted. */
  list(): Promise<string[]>;
  /** @throws CloudError `OFC_CONFLICT` if the name is taken, `OFC_NAME_INVALID`. */
  create(name: string, value: Buffer): Promise<void>;
  /** @throws CloudError `OFC_NOT_FOUND` if there is no such secret, `OFC_NAME_INVALID`. */
  update(name: string, value: Buffer): Promise<void>;
  /** @throws CloudError `OFC_NOT_FOUND` if there is no such secret, `OFC_NAME_INVALID`. */
  remove(name: string): Promise<void>;
  /** The value as it was stored, byte for byte; `undefined` if there is no such secret. */
  read(name: string): Promise<Buffer | undefined>;
  /** The secrets of a namespace; this store's own for the default one. */
  in(namespace: string): SecretStore;
}

/** RFC 1123 sub-domain, as Kubernetes wants for a secret: no slash, no leading dot, no `..`. */
const secretName = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
const maxNameLength = 253;

/**
 * Keeps each secret as one file below `folder`, readable by its owner only (0600 in a 0700 folder).
 * A value is written beside its place and renamed, so a reader sees the old one or the new one. Those of
 * other namespaces lie in folders below `.namespaces`, which is no name of a secret.
 */
export async function createSecretStore({ folder }: { folder: string }): Promise<SecretStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return storeIn(folder);
}

/** The folder is made with its first secret. */
function storeIn(folder: string): SecretStore {
  const path = (name: string): string => join(folder, checked(name));

  const write = async (target: string, value: Buffer): Promise<void> => {
    // A leading dot is no valid name, so a half-written file is never listed nor read.
    const draft = join(folder, `.${randomUUID()}`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    try {
      const file = await open(draft, 'wx', 0o600);
      try {
        await file.writeFile(value);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, target);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  };

  const requireExisting = async (name: string): Promise<string> => {
    const target = path(name);
    if (!(await exists(target))) {
      throw new CloudError('OFC_NOT_FOUND', `There is no secret "${name}".`);
    }
    return target;
  };

  return {
    async list() {
      const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
      return names.filter((name) => secretName.test(name)).sort();
    },
    async create(name, value) {
      if (await exists(path(name))) {
        throw new CloudError('OFC_CONFLICT', `The secret "${name}" exists already.`);
      }
      await write(path(name), value);
    },
    async update(name, value) {
      await write(await requireExisting(name), value);
    },
    async remove(name) {
      await rm(await requireExisting(name));
    },
    async read(name) {
      try {
        return await readFile(path(name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    in(namespace) {
      if (namespace === defaultNamespace) return this;
      return storeIn(join(folder, '.namespaces', checked(namespace)));
    },
  };
}

function checked(name: string): string {
  if (name.length > maxNameLength || !secretName.test(name)) {
    throw new CloudError(
      'OFC_NAME_INVALID',
      `The secret name ${JSON.stringify(name.slice(0, 100))} cannot be used.`,
      { hint: 'Use lower-case letters, digits, hyphens and dots.' },
    );
  }
  return name;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
