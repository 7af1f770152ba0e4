import type { Branch } from '../names.ts';

/**
 * Why a push to `branch` is not built; `undefined` if it is.
 *
 * @param buildBranches What the operator set: names, or patterns in which `*` stands for any text.
 * Empty: the repo's default branch.
 */
export function skippedBranch(
  branch: Branch,
  defaultBranch: Branch,
  buildBranches: readonly string[],
): string | undefined {
  const wanted = buildBranches.length === 0 ? [defaultBranch] : buildBranches;
  if (wanted.some((pattern) => matches(pattern, branch))) return undefined;
  const are = wanted.length === 1 ? 'the build branch is' : 'the build branches are';
  return `Branch ${branch} is not built: ${are} ${wanted.join(', ')}.`;
}

function matches(pattern: string, branch: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  // Several stars in a row mean the same as one, and would make the expression slow.
  return new RegExp(`^${parts.join('.*').replace(/(?:\.\*)+/g, '.*')}$`).test(branch);
}
