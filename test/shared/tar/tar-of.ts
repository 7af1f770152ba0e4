import { Readable } from 'node:stream';
import { type Header, pack } from 'tar-stream';

/** A tar as a hostile sender would make it: whatever headers are given. */
export async function tarOf(
  entries: readonly (Partial<Omit<Header, 'type'>> & {
    name: string;
    type?: string;
    content?: string | Buffer;
  })[],
): Promise<Buffer> {
  const archive = pack();
  for (const { content = '', ...header } of entries) {
    const isFile = header.type === undefined || header.type === 'file';
    if (isFile) archive.entry({ ...header, type: 'file' }, content);
    else archive.entry(header as Header);
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** `tar` in pieces of odd sizes, as a network delivers it. */
export function streamOf(tar: Buffer, pieceBytes = 700): Readable {
  const pieces: Buffer[] = [];
  for (let at = 0; at < tar.length; at += pieceBytes)
    pieces.push(tar.subarray(at, at + pieceBytes));
  return Readable.from(pieces);
}
