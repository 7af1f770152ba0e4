import { createHash } from 'node:crypto';
import { pack } from 'tar-stream';
import { type ContextEntry, sortByPath } from '../shrinkwrap/context-entry.ts';

/** A build context as a tar. */
export interface PackedContext {
  readonly tar: Buffer;
  readonly size: number;
  /** `sha256:…` of the tar: the same for the same tree, whoever packs it, whenever. */
  readonly digest: string;
}

/**
 * Packs a build context the way a builder request carries it: `context/` first, then everything below
 * it in the order of a folder walk. Owner 0, no names, time 0, modes 0644 and 0755.
 *
 * @example
 * const { tar, digest } = await packContext(await shrinkwrap(input));
 */
export async function packContext(entries: Iterable<ContextEntry>): Promise<PackedContext> {
  const archive = pack();
  const chunks: Uint8Array[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    archive.on('data', (chunk: unknown) => chunks.push(chunk as Uint8Array));
    archive.on('end', () => resolve());
    archive.on('error', reject);
  });
  const common = { uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0) };
  archive.entry({ ...common, name: 'context', mode: 0o755, type: 'directory' });
  for (const entry of sortByPath(entries)) {
    const header = { ...common, name: `context/${entry.path}`, mode: entry.mode };
    if (entry.kind === 'directory') archive.entry({ ...header, type: 'directory' });
    else archive.entry({ ...header, type: 'file' }, entry.content);
  }
  archive.finalize();
  await ended;
  const tar = Buffer.concat(chunks);
  const digest = createHash('sha256').update(tar).digest('hex');
  return { tar, size: tar.length, digest: `sha256:${digest}` };
}
