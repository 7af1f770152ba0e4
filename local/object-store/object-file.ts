import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import * as v from 'valibot';

/**
 * One object in one file: its bytes, then what is known about them (JSON), the length of that and a
 * mark. So an object is written by one rename, read by one read if it is small, and a file that a
 * power cut has torn is recognised and taken as absent.
 *
 * @module
 */

const metaSchema = v.object({
  size: v.number(),
  etag: v.string(),
  /** Headers that come back with the object, in lower case. */
  headers: v.record(v.string(), v.string()),
});

/** What is known about an object besides its bytes. */
export type ObjectMeta = v.InferOutput<typeof metaSchema>;

/** An object opened for reading; the holder closes `file`. */
export interface OpenObject {
  readonly meta: ObjectMeta;
  readonly modified: Date;
  readonly file: FileHandle;
  /** All bytes, if they are few. */
  readonly small: Buffer | undefined;
}

const mark = Buffer.from('ofc-s3-1');
const footerBytes = mark.length + 4;
const flushAt = 256 * 1024;
const readAhead = 32 * 1024;
const maxFooterBytes = 16 * 1024; // headers have at most 2 KiB, before they are written as JSON

/**
 * Writes a new file at `path`. The details are asked for when `data` has ended, so they can depend
 * on it; `etag` is the MD5 unless they say otherwise. The file is not synced: see `ObjectFiles`.
 *
 * @throws whatever `data` throws; the caller removes the file then.
 */
export async function writeObject(
  path: string,
  data: AsyncIterable<Buffer>,
  details: () => { etag?: string; headers: Record<string, string> },
): Promise<ObjectMeta> {
  const file = await open(path, 'wx', 0o600);
  try {
    const md5 = createHash('md5');
    let size = 0;
    let held: Buffer[] = [];
    let heldBytes = 0;
    for await (const chunk of data) {
      md5.update(chunk);
      size += chunk.length;
      held.push(chunk);
      heldBytes += chunk.length;
      if (heldBytes < flushAt) continue;
      await file.writeFile(Buffer.concat(held));
      held = [];
      heldBytes = 0;
    }
    const meta: ObjectMeta = { size, etag: md5.digest('hex'), ...details() };
    await file.writeFile(Buffer.concat([...held, footer(meta)]));
    return meta;
  } finally {
    await file.close();
  }
}

/** Opens an object's file; `undefined` if there is none or it is torn. */
export async function openObject(path: string): Promise<OpenObject | undefined> {
  const file = await openIfPresent(path);
  if (file === undefined) return undefined;
  try {
    const { size, mtime } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, readAhead));
    const { bytesRead } = await file.read(tail, 0, tail.length, size - tail.length);
    const meta = bytesRead === tail.length ? parseFooter(tail, size) : undefined;
    if (meta !== undefined) {
      const small = tail.length === size ? tail.subarray(0, meta.size) : undefined;
      return { meta, modified: mtime, file, small };
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
}

/**
 * What is known about the object of a file, for lists: synchronous, as four small calls on cached
 * pages take a tenth of the time of their asynchronous forms. `undefined` as in {@link openObject}.
 */
export function statObject(path: string): { meta: ObjectMeta; modified: Date } | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
  try {
    const { size, mtime } = fstatSync(file);
    const tail = Buffer.alloc(Math.min(size, maxFooterBytes));
    const bytesRead = readSync(file, tail, 0, tail.length, size - tail.length);
    const meta = bytesRead === tail.length ? parseFooter(tail, size) : undefined;
    return meta === undefined ? undefined : { meta, modified: mtime };
  } finally {
    closeSync(file);
  }
}

function isAbsence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

async function openIfPresent(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

function footer(meta: ObjectMeta): Buffer {
  const json = Buffer.from(JSON.stringify(meta));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return Buffer.concat([json, length, mark]);
}

function parseFooter(tail: Buffer, fileSize: number): ObjectMeta | undefined {
  const lengthAt = tail.length - footerBytes;
  if (lengthAt < 0 || !tail.subarray(lengthAt + 4).equals(mark)) return undefined;
  const jsonAt = lengthAt - tail.readUInt32BE(lengthAt);
  if (jsonAt < 0) return undefined;
  const meta = v.parse(metaSchema, JSON.parse(tail.toString('utf8', jsonAt, lengthAt)));
  return meta.size === fileSize - (tail.length - jsonAt) ? meta : undefined;
}
