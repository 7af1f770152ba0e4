import type { SourceTree } from './source-tree.ts';

/** A tree that never changes, each folder and file of it read once. */
export function createCachedTree(tree: SourceTree): SourceTree {
  const lists = new Map<string, ReturnType<SourceTree['list']>>();
  const files = new Map<string, Promise<Buffer>>();
  return {
    list: (folder) => once(lists, folder, () => tree.list(folder)),
    read: (path) => once(files, path, () => tree.read(path)),
  };
}

function once<T>(cache: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const reading = read();
  cache.set(key, reading);
  reading.catch(() => cache.delete(key));
  return reading;
}
