/** A file or folder of a build context. `path` is relative, `/`-separated, without a leading `./`. */
export type ContextEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: 0o755 }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly mode: 0o644 | 0o755;
      readonly content: Buffer;
    };

/** The mode a file has in a context: executable by all or by none, so that no umask changes a digest. */
export function normalFileMode(mode: number): 0o644 | 0o755 {
  return (mode & 0o111) === 0 ? 0o644 : 0o755;
}

/**
 * Sorts anything with a path the way a folder walk meets it: by name within each folder, bytewise in
 * UTF-8, a folder before its content (`a`, `a/b`, `a.txt`).
 */
export function sortByPath<T extends { readonly path: string }>(entries: Iterable<T>): T[] {
  const keyed = Array.from(entries, (entry) => ({
    entry,
    key: Buffer.from(entry.path.replaceAll('/', '\0')),
  }));
  return keyed.sort((a, b) => a.key.compare(b.key)).map(({ entry }) => entry);
}
