import { pack } from 'tar-stream';

/** A folder, or a file if there is content. */
export interface LayerEntry {
  readonly path: string;
  readonly content?: Buffer;
  readonly executable?: boolean;
}

/** A layer's tar: the entries in their order, owned by root, at time 0. */
export async function packLayer(entries: readonly LayerEntry[]): Promise<Buffer> {
  const archive = pack();
  const chunks: Uint8Array[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    archive.on('data', (chunk: unknown) => chunks.push(chunk as Uint8Array));
    archive.on('end', () => resolve());
    archive.on('error', reject);
  });
  for (const { path, content, executable } of entries) {
    const header = { name: path, uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0) };
    if (content === undefined) archive.entry({ ...header, mode: 0o755, type: 'directory' });
    else archive.entry({ ...header, mode: executable ? 0o755 : 0o644, type: 'file' }, content);
  }
  archive.finalize();
  await ended;
  return Buffer.concat(chunks);
}
