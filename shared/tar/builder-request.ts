import { sealedFileName } from '../sealed-box.ts';
import type { BuildConfig } from './builder-config.ts';

/** The name of the entry that holds a request's {@link BuildConfig}. */
export const configName = 'com.openfaas.docker.config';

const blockBytes = 512;

/**
 * The configuration as a tar entry without the end of an archive: put before a context's tar, the two
 * are one tar, the body of a request to a builder.
 *
 * @example
 * const body = Buffer.concat([configEntry({ image, buildArgs: {} }), context.tar]);
 */
export function configEntry(config: BuildConfig): Buffer {
  return entry(configName, 0o664, JSON.stringify(config));
}

/** Sealed build secrets as such an entry, for the same place. */
export function secretsEntry(sealed: string): Buffer {
  return entry(sealedFileName, 0o600, sealed);
}

function entry(name: string, mode: number, text: string): Buffer {
  const content = Buffer.from(text);
  const padding = -content.length & (blockBytes - 1);
  return Buffer.concat([header(name, mode, content.length), content, Buffer.alloc(padding)]);
}

/** The POSIX ustar header of a file with a short name, owner 0 and time 0. */
function header(name: string, mode: number, size: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  block.write(name, 0);
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(0, 11), 136);
  block.write('0', 156);
  block.write('ustar\x0000', 257);
  // The checksum is taken with spaces in its own place.
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)} `, 148);
  return block;
}
