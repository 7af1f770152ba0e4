import type { Git } from './git-process.ts';

/** A person on a commit. */
export interface Signature {
  readonly name: string;
  readonly email: string;
  /** ISO 8601 with the person's own offset. */
  readonly date: string;
}

/** A commit with the paths that it changed against its first parent. */
export interface Commit {
  readonly id: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly modified: readonly string[];
}

/** GitHub puts at most this many commits into a push event. */
const maxCommits = 2048;
/** Paths named per commit; the rest is left out, or one import would make an endless event. */
const maxPaths = 3000;
const format = '%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B';

/**
 * Reads commits, newest first, with one run of `git log`.
 *
 * @param include Where to start: full object ids or full ref names.
 * @param exclude Commits reachable from these are left out.
 */
export async function readCommits(
  git: Git,
  folder: string,
  include: readonly string[],
  exclude: readonly string[] = [],
  limit = maxCommits,
): Promise<Commit[]> {
  if (include.length === 0) return [];
  const output = await git.read(
    folder,
    [
      'log',
      '-z',
      '--no-renames',
      '--diff-merges=first-parent',
      '--name-status',
      `--max-count=${limit}`,
      `--format=${format}`,
      '--stdin',
    ],
    [...include, ...exclude.map((id) => `^${id}`), ''].join('\n'),
  );
  return parseLog(output.toString('utf8'));
}

/** Ten fields per commit, then pairs of status letter and path until the next commit's id. */
function parseLog(text: string): Commit[] {
  const tokens = text.split('\0');
  const commits: Commit[] = [];
  let at = 0;
  const take = (): string => tokens[at++] ?? '';
  while (at < tokens.length - 1) {
    const id = take().trim();
    const tree = take();
    const parents = take().split(' ').filter(Boolean);
    const author = { name: take(), email: take(), date: take() };
    const committer = { name: take(), email: take(), date: take() };
    const message = take().trimEnd();
    const paths: Record<string, string[]> = {};
    while (/^\n?[A-Z]$/.test(tokens[at] ?? '')) {
      const letter = take().trim();
      const path = take();
      const list = paths[letter] ?? [];
      paths[letter] = list;
      if (list.length < maxPaths) list.push(path);
    }
    const { A: added = [], D: removed = [], ...changed } = paths;
    commits.push({
      id,
      tree,
      parents,
      author,
      committer,
      message,
      added,
      removed,
      modified: Object.values(changed).flat(),
    });
  }
  return commits;
}

/**
 * The commit that a branch, tag or (abbreviated) id names; undefined if there is none.
 *
 * @param name Text from a request. Git's revision operators (`~`, `^`, `:`, `@{`, `..`) are not accepted.
 */
export async function resolveCommit(
  git: Git,
  folder: string,
  name: string,
): Promise<string | undefined> {
  if (!/^[^-\x00-\x20~^:?*[\\\x7f][^\x00-\x20~^:?*[\\\x7f]*$/.test(name) || /\.\.|@\{/.test(name)) {
    return undefined;
  }
  try {
    const output = await git.read(folder, [
      'rev-parse',
      '--verify',
      '--quiet',
      '--end-of-options',
      `${name}^{commit}`,
    ]);
    return output.toString('utf8').trim();
  } catch {
    return undefined;
  }
}
