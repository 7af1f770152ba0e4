import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { type ObjectMeta, statObject, writeObject } from './object-file.ts';
import type { ObjectFiles } from './object-files.ts';
import { S3Error } from './s3-error.ts';

/** A part as the client lists it when it completes an upload. */
export interface ListedPart {
  readonly number: number;
  readonly etag: string;
}

const uploadSchema = v.object({
  bucket: v.string(),
  key: v.string(),
  headers: v.record(v.string(), v.string()),
});

const minPartSize = 5 * 1024 ** 2;
const maxAgeMs = 24 * 3600_000;

/**
 * Uploads in parts: a folder for each, with a file for each part. Completed, the parts become one
 * object; abandoned ones are removed when the store is opened a day later.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 */
export class MultipartUploads {
  readonly #folder: string;
  readonly #files: ObjectFiles;

  private constructor(folder: string, files: ObjectFiles) {
    this.#folder = folder;
    this.#files = files;
  }

  /** Opens the folder and clears away uploads that were abandoned. */
  static async open(folder: string, files: ObjectFiles): Promise<MultipartUploads> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const id of await readdir(folder)) {
      const path = join(folder, id);
      const { mtimeMs } = await stat(path);
      if (Date.now() - mtimeMs > maxAgeMs) await rm(path, { recursive: true, force: true });
    }
    return new MultipartUploads(folder, files);
  }

  /** Starts an upload and gives its id. */
  async create(bucket: string, key: string, headers: Record<string, string>): Promise<string> {
    this.#files.bucketFolder(bucket);
    const id = randomUUID();
    await mkdir(join(this.#folder, id), { mode: 0o700 });
    await writeFile(
      join(this.#folder, id, 'upload.json'),
      JSON.stringify({ bucket, key, headers }),
    );
    return id;
  }

  /** Writes one part over an earlier one of its number. */
  async putPart(
    upload: { bucket: string; key: string; id: string },
    number: number,
    data: AsyncIterable<Buffer>,
  ): Promise<ObjectMeta> {
    const { folder } = await this.#open(upload);
    const temporary = join(folder, `${randomUUID()}.tmp`);
    try {
      const meta = await writeObject(temporary, data, () => ({ headers: {} }));
      await rename(temporary, join(folder, `${number}.part`));
      return meta;
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** Joins the listed parts to the object; `onlyNew` as in {@link ObjectFiles.put}. */
  async complete(
    upload: { bucket: string; key: string; id: string },
    parts: readonly ListedPart[],
    { onlyNew }: { onlyNew: boolean },
  ): Promise<ObjectMeta> {
    const { folder, headers } = await this.#open(upload);
    const found: { path: string; meta: ObjectMeta }[] = [];
    for (const { number, etag } of parts) {
      const path = join(folder, `${number}.part`);
      const part = statObject(path);
      if (part === undefined || part.meta.etag !== etag) {
        throw new S3Error('InvalidPart', `Part ${number} was not uploaded or has another ETag.`);
      }
      found.push({ path, meta: part.meta });
    }
    if (found.slice(0, -1).some(({ meta }) => meta.size < minPartSize)) {
      throw new S3Error('EntityTooSmall', 'Every part but the last must have at least 5 MiB.');
    }
    const md5s = Buffer.concat(found.map(({ meta }) => Buffer.from(meta.etag, 'hex')));
    const etag = `${createHash('md5').update(md5s).digest('hex')}-${found.length}`;
    const details = () => ({ etag, headers });
    const meta = await this.#files.put(upload.bucket, upload.key, joined(found), details, {
      onlyNew,
    });
    await rm(folder, { recursive: true, force: true });
    return meta;
  }

  /** Removes an upload with all its parts. */
  async abort(upload: { bucket: string; key: string; id: string }): Promise<void> {
    const { folder } = await this.#open(upload);
    await rm(folder, { recursive: true, force: true });
  }

  async #open({ bucket, key, id }: { bucket: string; key: string; id: string }): Promise<{
    folder: string;
    headers: Record<string, string>;
  }> {
    const folder = join(this.#folder, id);
    const text = /^[0-9a-f-]{36}$/.test(id)
      ? await readFile(join(folder, 'upload.json'), 'utf8').catch(() => undefined)
      : undefined;
    const upload = text === undefined ? undefined : v.parse(uploadSchema, JSON.parse(text));
    if (upload?.bucket !== bucket || upload.key !== key) {
      throw new S3Error('NoSuchUpload', 'There is no such upload of this key.');
    }
    return { folder, headers: upload.headers };
  }
}

async function* joined(
  parts: readonly { path: string; meta: ObjectMeta }[],
): AsyncGenerator<Buffer> {
  for (const { path, meta } of parts) {
    if (meta.size > 0) yield* createReadStream(path, { end: meta.size - 1 });
  }
}
