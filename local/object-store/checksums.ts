import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { S3Error } from './s3-error.ts';

/** A running checksum, as base64 in the end. */
export interface Checksum {
  update(data: Buffer): void;
  digest(): string;
}

const prefix = 'x-amz-checksum-';

/** The name in `x-amz-checksum-<name>`, if the header is one of those. */
export function checksumName(header: string): string | undefined {
  const name = header.startsWith(prefix) ? header.slice(prefix.length) : undefined;
  return name === 'type' || name === 'mode' || name === 'algorithm' ? undefined : name;
}

/**
 * Starts a checksum by its S3 name: `crc32`, `crc32c`, `sha1` or `sha256`.
 *
 * @throws S3Error `NotImplemented` for others; an unchecked checksum would be worse.
 */
export function startChecksum(name: string): Checksum {
  if (name === 'crc32') return crc(crc32);
  if (name === 'crc32c') return crc(crc32c);
  if (name !== 'sha1' && name !== 'sha256') {
    throw new S3Error('NotImplemented', `The checksum ${name} is not supported.`);
  }
  const hash = createHash(name);
  return { update: (data) => void hash.update(data), digest: () => hash.digest('base64') };
}

function crc(step: (data: Buffer, value: number) => number): Checksum {
  let value = 0;
  return {
    update: (data) => {
      value = step(data, value);
    },
    digest: () => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value >>> 0);
      return bytes.toString('base64');
    },
  };
}

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), which zlib lacks. */
function crc32c(data: Buffer, value: number): number {
  let state = ~value;
  for (const byte of data) state = (castagnoli[(state ^ byte) & 0xff] ?? 0) ^ (state >>> 8);
  return ~state >>> 0;
}

const castagnoli = Int32Array.from({ length: 256 }, (_, index) => {
  let entry = index;
  for (let bit = 0; bit < 8; bit++) entry = entry & 1 ? (entry >>> 1) ^ 0x82f63b78 : entry >>> 1;
  return entry;
});
