import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { join, refusal } from './collect.ts';
import type { SourceTree, TreeEntry } from './source-tree.ts';

/**
 * A {@link SourceTree} of a real folder. Links are listed as links and never followed; `.git` directly
 * below the root is left out, as it is no part of what a commit holds.
 */
export function createFolderTree(root: string): SourceTree {
  const realFolders = new Set(['']);

  /** Whether `folder` and all above it are folders, not links. */
  const isRealFolder = async (folder: string): Promise<boolean> => {
    if (realFolders.has(folder)) return true;
    if (!(await isRealFolder(folder.slice(0, Math.max(folder.lastIndexOf('/'), 0))))) return false;
    const isFolder = await lstat(joinPath(root, folder)).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    if (isFolder) realFolders.add(folder);
    return isFolder;
  };

  const describe = async (path: string): Promise<TreeEntry> => {
    const stats = await lstat(joinPath(root, path));
    const kind = stats.isFile()
      ? 'file'
      : stats.isDirectory()
        ? 'directory'
        : stats.isSymbolicLink()
          ? 'symlink'
          : undefined;
    if (!kind) throw refusal(path, 'is neither a file nor a folder', 'Remove it.');
    return { path, kind, mode: stats.mode & 0o777, size: stats.size };
  };

  return {
    list: async (folder) => {
      if (!(await isRealFolder(folder))) return undefined;
      const names = await readdir(joinPath(root, folder));
      const taken = names.filter((name) => folder !== '' || name !== '.git');
      return Promise.all(taken.map((name) => describe(join(folder, name))));
    },
    read: async (path) => {
      const slash = path.lastIndexOf('/');
      if (!(await isRealFolder(path.slice(0, Math.max(slash, 0))))) {
        throw refusal(path, 'is below a link');
      }
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
      const file = await open(joinPath(root, path), flags);
      try {
        if (!(await file.stat()).isFile()) throw refusal(path, 'is not a file');
        return await file.readFile();
      } finally {
        await file.close();
      }
    },
  };
}
