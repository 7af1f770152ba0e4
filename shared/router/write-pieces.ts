import type { ServerResponse } from 'node:http';

/** As much as one read can bring. */
const size = 64 * 1024;
/** Smaller parts get memory of their own, which Node has at hand. */
const minSize = 4 * 1024;
/** 4 MiB at most lie ready for the next parts. */
const maxFree = 64;

const free: Buffer[] = [];

/**
 * Writes a part of a body whose pieces' memory is used again after this call. A large part is copied into memory
 * that comes back when the part has left: new memory for each would be garbage faster than it is collected.
 *
 * @returns `false` to wait for `drain`.
 */
export function writePieces(response: ServerResponse, pieces: readonly Buffer[]): boolean {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  if (length < minSize || length > size) return response.write(Buffer.concat(pieces, length));
  const memory = free.pop() ?? Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const piece of pieces) at += piece.copy(memory, at);
  // Called when the kernel has taken all of it. If the connection breaks that may not be: then it is garbage.
  return response.write(memory.subarray(0, length), (error) => {
    if (!error && free.length < maxFree) free.push(memory);
  });
}
