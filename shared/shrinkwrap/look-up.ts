import { checkEntry, join } from './collect.ts';
import type { SourceTree, TreeEntry } from './source-tree.ts';

/**
 * The entry at `path`, found part by part, so that no folder on the way can be a link.
 * `undefined` if there is none.
 *
 * @throws CloudError `OFC_SOURCE_REFUSED` if a part of the way is a link or a submodule
 */
export async function lookUp(tree: SourceTree, path: string): Promise<TreeEntry | undefined> {
  let found: TreeEntry = { path: '', kind: 'directory', mode: 0o755 };
  for (const name of path.split('/')) {
    const wanted = join(found.path, name);
    const next = (await tree.list(found.path))?.find((entry) => entry.path === wanted);
    if (!next) return undefined;
    checkEntry(next);
    found = next;
  }
  return found;
}
