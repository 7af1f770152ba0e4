/** One child of a folder of a {@link SourceTree}. */
export interface TreeEntry {
  /** The whole path from the tree's root, such as `hello/lib/a.ts`. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'submodule';
  readonly mode: number;
  /** In bytes, where it is known without reading. */
  readonly size?: number;
}

/** A read-only tree of files: a commit in a git pack, a folder, or one in memory. */
export interface SourceTree {
  /** The direct children of `folder` (`''` is the root), or `undefined` if there is no such folder. */
  list(folder: string): Promise<readonly TreeEntry[] | undefined>;
  /** The content of the file at `path`, as `list` named it. */
  read(path: string): Promise<Buffer>;
}
