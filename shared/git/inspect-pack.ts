import { inflateSync, type ZlibOptions } from 'node:zlib';
import { CloudError } from '../errors.ts';

/** What the objects of a fetched pack may come to once they are inflated. */
export interface PackLimits {
  readonly maxObjects: number;
  readonly maxObjectBytes: number;
  readonly maxTotalBytes: number;
}

const headerBytes = 12;
const trailerBytes = 20;
const ofsDelta = 6;
const refDelta = 7;
const kinds: readonly number[] = [1, 2, 3, 4, ofsDelta, refDelta];

/**
 * Measures what a pack inflates to, before anything keeps its objects in memory: a few MiB over the wire can
 * hold gigabytes of zeros, and a delta of some bytes can repeat its base many times.
 *
 * @throws CloudError `OFC_SOURCE_REFUSED` over a limit, `OFC_CLONE` if it is not a pack.
 * @see https://git-scm.com/docs/pack-format
 */
export function inspectPack(pack: Buffer, limits: PackLimits): void {
  const end = pack.length - trailerBytes;
  if (end < headerBytes || pack.toString('latin1', 0, 4) !== 'PACK') throw notAPack();
  const count = pack.readUInt32BE(8);
  if (count > limits.maxObjects) {
    throw tooLarge(`has more than ${limits.maxObjects} files and folders`);
  }
  let [at, total] = [headerBytes, 0];
  for (let index = 0; index < count; index += 1) {
    const object = readObject(pack, at, end, limits.maxObjectBytes);
    at = object.next;
    total += object.bytes;
    if (total > limits.maxTotalBytes) throw tooLarge(`holds over ${mib(limits.maxTotalBytes)}`);
  }
}

/** What one object comes to, and where the next one begins. */
function readObject(pack: Buffer, start: number, end: number, maxBytes: number) {
  const kind = ((pack[start] ?? 0) >> 4) & 7;
  if (start >= end || !kinds.includes(kind)) throw notAPack();
  let at = afterNumber(pack, start);
  if (kind === ofsDelta) at = afterNumber(pack, at);
  if (kind === refDelta) at += 20;
  const { content, consumed } = inflate(pack.subarray(at, end), maxBytes);
  const isDelta = kind === ofsDelta || kind === refDelta;
  const bytes = isDelta ? content.length + deltaResult(content) : content.length;
  if (bytes > maxBytes) throw objectTooLarge(maxBytes);
  return { bytes, next: at + consumed };
}

function inflate(data: Buffer, maxOutputLength: number): { content: Buffer; consumed: number } {
  try {
    // With `info` the answer is not the buffer alone, which the type does not know.
    const options: ZlibOptions = { info: true, maxOutputLength };
    const { buffer, engine } = inflateSync(data, options) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    return { content: buffer, consumed: engine.bytesWritten };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw objectTooLarge(maxOutputLength);
    }
    throw notAPack();
  }
}

/** A delta begins with the size of its base and that of its result, in groups of seven bits. */
function deltaResult(delta: Buffer): number {
  let at = afterNumber(delta, 0);
  let [size, scale, byte] = [0, 1, 0x80];
  while (byte & 0x80) {
    byte = delta[at] ?? 0;
    size += (byte & 0x7f) * scale;
    scale *= 128;
    at += 1;
  }
  return size;
}

/** Behind a number of which each byte but the last has its highest bit set. */
function afterNumber(data: Buffer, start: number): number {
  let at = start;
  while ((data[at] ?? 0) & 0x80) at += 1;
  return at + 1;
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}

function objectTooLarge(maxBytes: number): CloudError {
  return tooLarge(`has a file of more than ${mib(maxBytes)}`);
}

function tooLarge(what: string): CloudError {
  return new CloudError('OFC_SOURCE_REFUSED', `The commit ${what}, which is too much to fetch.`, {
    hint: 'Take large files out of the repo.',
  });
}

function notAPack(): CloudError {
  return new CloudError('OFC_CLONE', 'What the git server sent is damaged.', {
    hint: 'Push again. If that does not help, run "git fsck" in the repo.',
  });
}
