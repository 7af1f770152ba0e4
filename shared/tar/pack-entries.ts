import { pack } from 'tar-stream';

/** A tar entry whose content is in memory. */
export type PackedEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly mode: number;
      readonly content: Buffer;
    };

/** A tar of `entries` in the given order, owned by nobody, made at time 0; in pieces, nothing copied. */
export async function packEntries(entries: readonly PackedEntry[]): Promise<Buffer[]> {
  const archive = pack();
  const chunks: Buffer[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    archive.on('data', (chunk: unknown) => chunks.push(chunk as Buffer));
    archive.on('end', () => resolve());
    archive.on('error', reject);
  });
  for (const entry of entries) {
    const { path: name, mode } = entry;
    const header = { name, mode, uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0) };
    if (entry.kind === 'directory') archive.entry({ ...header, type: 'directory' });
    else archive.entry({ ...header, type: 'file' }, entry.content);
  }
  archive.finalize();
  await ended;
  return chunks;
}
