import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Git } from './git-process.ts';

/** Refs by full name with the object that each names. */
export type Refs = Readonly<Record<string, string>>;

/** One ref that a push made, moved or removed; `zeroSha` stands for "not there". */
export interface RefChange {
  readonly ref: string;
  readonly before: string;
  readonly after: string;
}

/** What git and GitHub write for the commit of a ref that does not exist. */
export const zeroSha = '0'.repeat(40);

/** With more files than that, git itself is faster. */
const maxLooseRefs = 200;

/**
 * All refs of a repo, by name. Read from git's own files, as each push looks twice and a process takes
 * longer than all the reading; git is asked if something is there that only it understands.
 *
 * @see https://git-scm.com/docs/gitrepository-layout
 */
export async function readRefs(git: Git, folder: string): Promise<Refs> {
  return (await readRefFiles(folder)) ?? (await askForRefs(git, folder));
}

async function readRefFiles(folder: string): Promise<Refs | undefined> {
  const entries = await readdir(join(folder, 'refs'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory() && !entry.name.endsWith('.lock'));
  if (files.length > maxLooseRefs) return undefined;
  const loose = await Promise.all(
    files.map(async ({ name, parentPath }) => {
      const path = join(parentPath, name);
      const id = (await readIfThere(path))?.trimEnd();
      return id === undefined ? [] : [[relative(folder, path), id] as const];
    }),
  );
  // Afterwards: what git packs meanwhile stands there before its own file goes.
  const lines = ((await readIfThere(join(folder, 'packed-refs'))) ?? '').split('\n');
  const packed = lines.flatMap((line) => {
    const comment = line === '' || line.startsWith('#') || line.startsWith('^');
    return comment ? [] : [[line.slice(41), line.slice(0, 40)] as const];
  });
  const refs = new Map([...packed, ...loose.flat()]);
  if (![...refs.values()].every((id) => /^[0-9a-f]{40}$/.test(id))) return undefined;
  return Object.fromEntries([...refs].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function askForRefs(git: Git, folder: string): Promise<Refs> {
  const text = await git.read(folder, ['for-each-ref', '--format=%(objectname) %(refname)']);
  const lines = text.toString('utf8').split('\n').filter(Boolean);
  return Object.fromEntries(
    lines.map((line) => [line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' '))]),
  );
}

/** What changed from `before` to `after`, by name. */
export function compareRefs(before: Refs, after: Refs): RefChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .sort()
    .map((ref) => ({ ref, before: before[ref] ?? zeroSha, after: after[ref] ?? zeroSha }))
    .filter((change) => change.before !== change.after);
}
