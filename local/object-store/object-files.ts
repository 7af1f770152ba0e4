import { randomUUID } from 'node:crypto';
import { linkSync, renameSync, unlinkSync } from 'node:fs';
import { mkdir, readdir, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { keyPath } from './key-paths.ts';
import {
  type ObjectMeta,
  type OpenObject,
  openObject,
  statObject,
  writeObject,
} from './object-file.ts';
import { S3Error } from './s3-error.ts';

/**
 * Buckets and objects in a folder. Keys are binary strings.
 *
 * Each write goes to a temporary file and appears under its name at once, whole: by `rename`, or by
 * `link`, which fails if the name is taken, for a conditional one. Readers keep the file they have
 * opened. Nothing is synced to the disk: what was acknowledged survives the end of the process in
 * any way, but a power cut may lose the last seconds. A deployment writes a hundred small records,
 * an fsync takes as long as dozens of them, and what is lost is done again by the sweeper.
 */
export class ObjectFiles {
  readonly #buckets: string;
  readonly #temporary: string;
  readonly #known = new Set<string>();

  private constructor(folder: string) {
    this.#buckets = join(folder, 'buckets');
    this.#temporary = join(folder, 'tmp');
  }

  /** Opens the folder, creates it if needed and clears away unfinished writes. */
  static async open(folder: string): Promise<ObjectFiles> {
    const files = new ObjectFiles(folder);
    await rm(files.#temporary, { recursive: true, force: true });
    await mkdir(files.#temporary, { recursive: true, mode: 0o700 });
    await mkdir(files.#buckets, { recursive: true, mode: 0o700 });
    for (const name of await readdir(files.#buckets)) files.#known.add(name);
    return files;
  }

  /** Creates a bucket; its name must have been checked. False = it exists. */
  async createBucket(bucket: string): Promise<boolean> {
    const made = await mkdir(join(this.#buckets, bucket), { recursive: true, mode: 0o700 });
    this.#known.add(bucket);
    return made !== undefined;
  }

  /** All buckets with the time of their creation, by name. */
  async listBuckets(): Promise<{ name: string; created: Date }[]> {
    const names = [...this.#known].sort();
    return Promise.all(
      names.map(async (name) => {
        const { birthtime } = await stat(this.bucketFolder(name));
        return { name, created: birthtime };
      }),
    );
  }

  /**
   * The folder of a bucket.
   *
   * @throws S3Error `NoSuchBucket`
   */
  bucketFolder(bucket: string): string {
    if (!this.#known.has(bucket)) {
      throw new S3Error('NoSuchBucket', 'The specified bucket does not exist.');
    }
    return join(this.#buckets, bucket);
  }

  /**
   * Writes an object.
   *
   * @param details See {@link writeObject}.
   * @param options `onlyNew`: refuse if the key is taken; of several writers one wins.
   * @throws S3Error `NoSuchBucket`, `PreconditionFailed`, or what `data` throws.
   */
  async put(
    bucket: string,
    key: string,
    data: AsyncIterable<Buffer>,
    details: () => { etag?: string; headers: Record<string, string> },
    { onlyNew }: { onlyNew: boolean },
  ): Promise<ObjectMeta> {
    const path = join(this.bucketFolder(bucket), keyPath(key));
    const temporary = join(this.#temporary, randomUUID());
    try {
      const meta = await writeObject(temporary, data, details);
      if (!onlyNew) await withFolder(path, () => renameSync(temporary, path));
      else await this.#linkNew(temporary, path);
      return meta;
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async #linkNew(temporary: string, path: string): Promise<void> {
    try {
      await withFolder(path, () => linkSync(temporary, path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (statObject(path) !== undefined) {
        throw new S3Error('PreconditionFailed', 'There is an object with this key already.');
      }
      await rm(path, { force: true }); // torn by a power cut: as good as absent
      return this.#linkNew(temporary, path);
    }
    unlinkSync(temporary);
  }

  /** Opens an object; the caller closes its file. */
  open(bucket: string, key: string): OpenObject | undefined {
    return openObject(join(this.bucketFolder(bucket), keyPath(key)));
  }

  /** Removes an object and the folders it leaves empty. An absent one is fine. */
  async delete(bucket: string, key: string): Promise<void> {
    const root = this.bucketFolder(bucket);
    const path = join(root, keyPath(key));
    try {
      await unlink(path);
      for (let folder = dirname(path); folder !== root; folder = dirname(folder)) {
        await rmdir(folder);
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'ENOTEMPTY') throw error;
    }
  }
}

/** Runs what puts a file at `path`, and makes its folder if missing; a delete may remove it meanwhile. */
async function withFolder(path: string, run: () => void): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return run();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 10) throw error;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    }
  }
}
