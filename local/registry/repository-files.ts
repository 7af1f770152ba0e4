import { randomUUID } from 'node:crypto';
import {
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * A registry's content in a folder. Each repository has its own (names cannot begin with `_`):
 *
 * ```
 * repositories/<name>/_blobs/<digest>       hard links: a mount shares the bytes, and the last
 *                                           repository that drops a blob frees them
 *                    /_manifests/<digest>   the media type, a line feed, the manifest
 *                    /_tags/<tag>           the digest; capitals as `%V`, as some file systems do
 *                                           not tell them from small letters
 *                    /_referrers/<digest>/<digest of the manifest that refers to it>
 * tmp/
 * ```
 *
 * Digests stand without their `sha256:`. Names, tags and digests must have been checked. Files
 * appear whole, by rename; nothing is synced, as a lost image is built again.
 */
export class RepositoryFiles {
  readonly #root: string;
  readonly #temporary: string;

  private constructor(folder: string) {
    this.#root = join(folder, 'repositories');
    this.#temporary = join(folder, 'tmp');
  }

  /** Opens the folder, creates it if needed and clears away unfinished uploads. */
  static async open(folder: string): Promise<RepositoryFiles> {
    const files = new RepositoryFiles(folder);
    await rm(files.#temporary, { recursive: true, force: true });
    await mkdir(files.#temporary, { recursive: true, mode: 0o700 });
    await mkdir(files.#root, { recursive: true, mode: 0o700 });
    return files;
  }

  /** A fresh path for what is being written. */
  temporaryPath(): string {
    return join(this.#temporary, randomUUID());
  }

  blobPath(repository: string, digest: string): string {
    return this.#path(repository, '_blobs', digest);
  }

  /** The size of a blob; `undefined` if the repository does not have it. */
  async blobSize(repository: string, digest: string): Promise<number | undefined> {
    return (await orAbsent(stat(this.blobPath(repository, digest))))?.size;
  }

  /** Takes a complete, checked temporary file as a blob. */
  async addBlob(repository: string, digest: string, temporary: string): Promise<void> {
    await moveTo(temporary, this.blobPath(repository, digest));
  }

  /** Gives a repository a blob that another one has; false if that has it not. */
  async mountBlob(repository: string, digest: string, from: string): Promise<boolean> {
    if ((await this.blobSize(repository, digest)) !== undefined) return true;
    const temporary = this.temporaryPath();
    const linked = await orAbsent(link(this.blobPath(from, digest), temporary).then(() => true));
    if (linked === undefined) return false;
    await this.addBlob(repository, digest, temporary);
    return true;
  }

  deleteBlob(repository: string, digest: string): Promise<boolean> {
    return remove(this.blobPath(repository, digest));
  }

  async writeManifest(
    repository: string,
    digest: string,
    mediaType: string,
    body: Buffer,
  ): Promise<void> {
    const content = Buffer.concat([Buffer.from(`${mediaType}\n`), body]);
    await this.#write(this.#path(repository, '_manifests', digest), content);
  }

  async readManifest(
    repository: string,
    digest: string,
  ): Promise<{ mediaType: string; body: Buffer } | undefined> {
    const content = await orAbsent(readFile(this.#path(repository, '_manifests', digest)));
    if (content === undefined) return undefined;
    const end = content.indexOf('\n');
    return { mediaType: content.toString('utf8', 0, end), body: content.subarray(end + 1) };
  }

  deleteManifest(repository: string, digest: string): Promise<boolean> {
    return remove(this.#path(repository, '_manifests', digest));
  }

  async writeTag(repository: string, tag: string, digest: string): Promise<void> {
    await this.#write(this.#tagPath(repository, tag), Buffer.from(digest));
  }

  /** The digest at which a tag points. */
  readTag(repository: string, tag: string): Promise<string | undefined> {
    return orAbsent(readFile(this.#tagPath(repository, tag), 'utf8'));
  }

  deleteTag(repository: string, tag: string): Promise<boolean> {
    return remove(this.#tagPath(repository, tag));
  }

  /** All tags in order; `undefined` if nothing was ever pushed there. */
  async tags(repository: string): Promise<string[] | undefined> {
    if ((await orAbsent(stat(this.#path(repository, '_manifests')))) === undefined) {
      return undefined;
    }
    const names = await namesIn(this.#path(repository, '_tags'));
    return names.map((name) => name.replaceAll('%', '')).sort();
  }

  async addReferrer(repository: string, subject: string, digest: string): Promise<void> {
    await this.#write(join(this.#path(repository, '_referrers', subject), hex(digest)), '');
  }

  removeReferrer(repository: string, subject: string, digest: string): Promise<boolean> {
    return remove(join(this.#path(repository, '_referrers', subject), hex(digest)));
  }

  /** Digests of the manifests that name `subject`. */
  async referrers(repository: string, subject: string): Promise<string[]> {
    const names = await namesIn(this.#path(repository, '_referrers', subject));
    return names.sort().map((name) => `sha256:${name}`);
  }

  /** The names of all repositories that hold a manifest. */
  async repositories(below = ''): Promise<string[]> {
    const found: string[] = [];
    for (const name of await namesIn(join(this.#root, below))) {
      if (name === '_manifests') found.push(below);
      if (!name.startsWith('_')) found.push(...(await this.repositories(join(below, name))));
    }
    return found.sort();
  }

  #tagPath(repository: string, tag: string): string {
    return join(this.#path(repository, '_tags'), tag.replace(/[A-Z]/g, '%$&'));
  }

  #path(repository: string, kind: string, digest?: string): string {
    const folder = join(this.#root, repository, kind);
    return digest === undefined ? folder : join(folder, hex(digest));
  }

  async #write(path: string, content: Buffer | string): Promise<void> {
    const temporary = this.temporaryPath();
    await writeFile(temporary, content, { flag: 'wx', mode: 0o600 });
    await moveTo(temporary, path);
  }
}

function hex(digest: string): string {
  return digest.slice('sha256:'.length);
}

async function moveTo(temporary: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await rename(temporary, path);
}

async function namesIn(folder: string): Promise<string[]> {
  return (await orAbsent(readdir(folder))) ?? [];
}

async function remove(path: string): Promise<boolean> {
  return (await orAbsent(unlink(path).then(() => true))) ?? false;
}

async function orAbsent<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
