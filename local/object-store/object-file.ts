import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import * as v from 'valibot';

/**
 * One object in one file: its bytes, then what is known about them (JSON), the length of that and a
 * mark. So an object is written by one rename, read by one read if it is small, and a file that a
 * power cut has torn is recognised and taken as absent.
 *
 * Calls on small files are synchronous: on cached pages they take a tenth of the time of their
 * asynchronous forms, which all requests of the process would wait for as well.
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

/** An object opened for reading; the holder closes `file`, if there is one. */
export interface OpenObject {
  readonly meta: ObjectMeta;
  readonly modified: Date;
  /** Its descriptor; none if `small` has everything. */
  readonly file: number | undefined;
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
  let file: FileHandle | undefined;
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
      file ??= await open(path, 'wx', 0o600);
      await file.writeFile(Buffer.concat(held));
      held = [];
      heldBytes = 0;
    }
    const meta: ObjectMeta = { size, etag: md5.digest('hex'), ...details() };
    const rest = Buffer.concat([...held, footer(meta)]);
    if (file !== undefined) await file.writeFile(rest);
    else writeFileSync(path, rest, { flag: 'wx', mode: 0o600 });
    return meta;
  } finally {
    await file?.close();
  }
}

/** Opens an object's file; `undefined` if there is none or it is torn. */
export function openObject(path: string): OpenObject | undefined {
  return read(path, readAhead, ({ meta, modified, tail, whole, file }) => {
    // A copy: the next file is read into the same buffer.
    const small = whole ? Buffer.from(tail.subarray(0, meta.size)) : undefined;
    return { keep: !whole, value: { meta, modified, small, file: whole ? undefined : file } };
  });
}

/** What is known about the object of a file; `undefined` as in {@link openObject}. */
export function statObject(path: string): Pick<OpenObject, 'meta' | 'modified'> | undefined {
  return read(path, maxFooterBytes, ({ meta, modified }) => ({
    keep: false,
    value: { meta, modified },
  }));
}

interface Read {
  readonly file: number;
  readonly meta: ObjectMeta;
  readonly modified: Date;
  /** The file's end, or all of it if `whole`. */
  readonly tail: Buffer;
  readonly whole: boolean;
}

const shared = Buffer.alloc(readAhead);

/** Reads the end of a file, hands it to `use` and closes it, unless it is kept. */
function read<T>(
  path: string,
  bytes: number,
  use: (found: Read) => { keep: boolean; value: T },
): T | undefined {
  const file = openIfPresent(path);
  if (file === undefined) return undefined;
  let kept = false;
  try {
    const { size, mtime } = fstatSync(file);
    const length = Math.min(size, bytes);
    const bytesRead = readSync(file, shared, 0, length, size - length);
    const tail = shared.subarray(0, length);
    const meta = bytesRead === length ? parseFooter(tail, size) : undefined;
    if (meta === undefined) return undefined;
    const { keep, value } = use({ file, meta, modified: mtime, tail, whole: length === size });
    kept = keep;
    return value;
  } finally {
    if (!kept) closeSync(file);
  }
}

function isAbsence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function openIfPresent(path: string): number | undefined {
  try {
    return openSync(path, 'r');
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
