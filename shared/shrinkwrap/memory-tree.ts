import type { SourceTree, TreeEntry } from './source-tree.ts';

/** A file's content, or an entry that is more than a plain file. */
export type MemoryEntry =
  | string
  | Buffer
  | {
      readonly kind?: TreeEntry['kind'];
      readonly mode?: number;
      readonly content?: string | Buffer;
    };

interface Node {
  readonly entry: TreeEntry;
  readonly content: Buffer;
}

/**
 * A {@link SourceTree} of the given paths. Folders above a path need not be named.
 *
 * @example
 * createMemoryTree({ 'Dockerfile': 'FROM scratch\n', 'run.sh': { mode: 0o755, content: '#!/bin/sh\n' } });
 */
export function createMemoryTree(entries: Readonly<Record<string, MemoryEntry>>): SourceTree {
  const nodes = new Map<string, Node>();
  const children = new Map<string, TreeEntry[]>([['', []]]);

  const add = (entry: TreeEntry, content: Buffer) => {
    if (nodes.has(entry.path)) return;
    nodes.set(entry.path, { entry, content });
    const slash = entry.path.lastIndexOf('/');
    const parent = entry.path.slice(0, Math.max(slash, 0));
    if (parent !== '') add({ path: parent, kind: 'directory', mode: 0o755 }, Buffer.alloc(0));
    children.get(parent)?.push(entry);
    if (entry.kind === 'directory') children.set(entry.path, []);
  };
  for (const [path, value] of Object.entries(entries)) {
    const { kind = 'file', mode, content = '' } = isContent(value) ? { content: value } : value;
    const bytes = Buffer.from(content);
    const defaultMode = kind === 'directory' ? 0o755 : 0o644;
    add({ path, kind, mode: mode ?? defaultMode, size: bytes.length }, bytes);
  }

  return {
    list: async (folder) => children.get(folder),
    read: async (path) => {
      const node = nodes.get(path);
      if (node?.entry.kind !== 'file') throw new Error(`No such file in memory: ${path}`);
      return node.content;
    },
  };
}

function isContent(value: MemoryEntry): value is string | Buffer {
  return typeof value === 'string' || Buffer.isBuffer(value);
}
