import { createHash } from 'node:crypto';
import { type ContextEntry, sortByPath } from '../shrinkwrap/context-entry.ts';
import { type PackedEntry, packEntries } from './pack-entries.ts';

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
  const root: PackedEntry = { kind: 'directory', path: 'context', mode: 0o755 };
  const below = sortByPath(entries).map((entry) => ({ ...entry, path: `context/${entry.path}` }));
  const tar = Buffer.concat(await packEntries([root, ...below]));
  const digest = createHash('sha256').update(tar).digest('hex');
  return { tar, size: tar.length, digest: `sha256:${digest}` };
}
