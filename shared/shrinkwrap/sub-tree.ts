import type { SourceTree } from './source-tree.ts';

/** A folder of a tree as a tree of its own. */
export function createSubTree(tree: SourceTree, folder: string): SourceTree {
  const below = (path: string) => (path === '' ? folder : `${folder}/${path}`);
  return {
    async list(path) {
      const entries = await tree.list(below(path));
      return entries?.map((entry) => ({ ...entry, path: entry.path.slice(folder.length + 1) }));
    },
    read: (path) => tree.read(below(path)),
  };
}
