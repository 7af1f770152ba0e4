import { createHash } from 'node:crypto';
import type { ContextEntry } from '#shared/shrinkwrap/context-entry.ts';

/**
 * Makes a function that gives one digest for the entries of a build context, without packing them.
 * Files that contexts share are hashed once: they are told by their buffers.
 */
export function createEntriesDigest(): (entries: readonly ContextEntry[]) => string {
  const known = new WeakMap<Buffer, string>();
  const digestOf = (content: Buffer): string => {
    const digest = known.get(content) ?? createHash('sha256').update(content).digest('hex');
    known.set(content, digest);
    return digest;
  };
  return (entries) => {
    const lines = entries.map((entry) => [
      entry.path,
      entry.mode,
      entry.kind === 'file' ? digestOf(entry.content) : '',
    ]);
    return createHash('sha256').update(JSON.stringify(lines)).digest('hex');
  };
}
