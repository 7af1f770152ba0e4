import { CloudError } from '../errors.ts';
import { type ContextEntry, normalFileMode, sortByPath } from './context-entry.ts';
import type { SourceLimits } from './limits.ts';
import { pathProblem, quotePath } from './path-problem.ts';
import type { SourceTree, TreeEntry } from './source-tree.ts';

/** A refusal that names the path and says how to fix it. */
export function refusal(path: string, problem: string, hint?: string): CloudError {
  return new CloudError(
    'OFC_SOURCE_REFUSED',
    `${quotePath(path)} ${problem}, so it cannot be built.`,
    hint === undefined ? {} : { hint },
  );
}

interface Taken {
  readonly path: string;
  readonly from: { readonly tree: SourceTree; readonly entry: TreeEntry } | undefined;
}

/**
 * Gathers the entries of one build context from several trees; what is taken later wins. Nothing is
 * read before everything is known, so that a file that is replaced costs nothing.
 */
export class ContextCollector {
  readonly #taken = new Map<string, Taken>();
  readonly #limits: SourceLimits;
  #seen = 0;

  constructor(limits: SourceLimits) {
    this.#limits = limits;
  }

  /**
   * Takes the content of `folder` to `target` (`''` is the root of either), without the direct children
   * named in `except`. Empty folders are kept.
   *
   * @throws CloudError `OFC_SOURCE_REFUSED`
   */
  async takeFolder(
    tree: SourceTree,
    folder: string,
    target: string,
    except: ReadonlySet<string> = new Set(),
  ): Promise<void> {
    if (target !== '') this.#put({ path: target, from: undefined });
    for (const entry of (await tree.list(folder)) ?? []) {
      const name = entry.path.slice(folder === '' ? 0 : folder.length + 1);
      if (join(folder, name) !== entry.path || name.includes('/')) {
        throw refusal(entry.path, `is not a child of ${quotePath(folder)}`);
      }
      if (except.has(name)) continue;
      checkEntry(entry);
      if (entry.kind === 'file') this.takeFile(tree, entry, join(target, name));
      else await this.takeFolder(tree, entry.path, join(target, name));
    }
  }

  /** Takes one file to `target`, making the folders above it. */
  takeFile(tree: SourceTree, entry: TreeEntry, target: string): void {
    this.#put({ path: target, from: { tree, entry } });
  }

  /** Reads what was taken, in the order of a folder walk. */
  async read(): Promise<ContextEntry[]> {
    const entries: ContextEntry[] = [];
    let total = 0;
    for (const { path, from } of sortByPath(this.#taken.values())) {
      if (!from) {
        entries.push({ kind: 'directory', path, mode: 0o755 });
        continue;
      }
      this.#checkSize(from.entry.path, from.entry.size ?? 0, total);
      const content = await from.tree.read(from.entry.path);
      this.#checkSize(from.entry.path, content.length, total);
      total += content.length;
      entries.push({ kind: 'file', path, mode: normalFileMode(from.entry.mode), content });
    }
    return entries;
  }

  #put(taken: Taken): void {
    const { path } = taken;
    // Its place in the repo is what its author knows.
    const from = taken.from?.entry.path ?? path;
    this.#seen += 1;
    if (this.#seen > this.#limits.maxEntries) {
      throw refusal(
        from,
        `is one too many: a function may take ${this.#limits.maxEntries} files and folders`,
        'Leave out what the build can fetch itself, such as node_modules.',
      );
    }
    const problem = pathProblem(path);
    if (problem !== undefined) throw refusal(from, problem);
    if (path.split('/').length > this.#limits.maxDepth) {
      throw refusal(from, `is more than ${this.#limits.maxDepth} folders deep`);
    }
    const slash = path.lastIndexOf('/');
    const parent = path.slice(0, Math.max(slash, 0));
    if (parent !== '' && !this.#isFolder(parent)) this.#put({ path: parent, from: undefined });
    const before = this.#taken.get(path);
    if (before && (before.from === undefined) !== (taken.from === undefined)) {
      throw refusal(from, 'is a file in one place and a folder in another', 'Rename one of them.');
    }
    this.#taken.set(path, taken);
  }

  #isFolder(path: string): boolean {
    const taken = this.#taken.get(path);
    return taken !== undefined && taken.from === undefined;
  }

  #checkSize(path: string, size: number, total: number): void {
    const { maxFileBytes, maxTotalBytes } = this.#limits;
    const hint = 'Keep large files outside the repo and fetch them while building or running.';
    if (size > maxFileBytes) throw refusal(path, `is larger than ${maxFileBytes} bytes`, hint);
    if (total + size > maxTotalBytes) {
      throw refusal(path, `is over the ${maxTotalBytes} bytes that a function may take`, hint);
    }
  }
}

/** Refuses what may not be taken: links, submodules, git's own folder, names that are paths. */
export function checkEntry(entry: TreeEntry): void {
  const problem = pathProblem(entry.path);
  if (problem !== undefined) throw refusal(entry.path, problem, 'Rename it.');
  if (entry.path.split('/').some((name) => name.toLowerCase() === '.git')) {
    throw refusal(entry.path, 'is git’s own folder', 'Remove it from the repo.');
  }
  if (entry.kind === 'symlink') {
    throw refusal(
      entry.path,
      'is a symbolic link',
      'Commit a copy, or list the folder it points to under configuration.copy.',
    );
  }
  if (entry.kind === 'submodule') {
    throw refusal(entry.path, 'is a submodule', 'Commit its files, or fetch it while building.');
  }
}

export function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
