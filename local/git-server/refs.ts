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

/** All refs of a repo. */
export async function readRefs(git: Git, folder: string): Promise<Refs> {
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
