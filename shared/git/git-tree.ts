import * as fs from 'node:fs';
import git, { type TreeEntry as GitEntry } from 'isomorphic-git';
import { CloudError } from '../errors.ts';
import type { SourceTree, TreeEntry } from '../shrinkwrap/source-tree.ts';

/** The files of one commit, read from the object database. */
export interface GitTree extends SourceTree {
  /** The commit that a submodule at `path` is at; `undefined` if there is no submodule. */
  submodule(path: string): Promise<string | undefined>;
  /** When the commit was made, as whoever made it says: any time at all. */
  committedAt(): Promise<Date>;
}

/**
 * A {@link SourceTree} over a commit in `gitdir`.
 *
 * @param commit A commit's or a tree's id.
 */
export function createGitTree(gitdir: string, commit: string): GitTree {
  // The cache keeps the parsed pack index; without it each read would parse it again.
  const cache = {};
  const trees = new Map<string, Promise<GitEntry[]>>();
  const readTree = (oid: string): Promise<GitEntry[]> => {
    const known = trees.get(oid);
    if (known !== undefined) return known;
    const read = git.readTree({ fs, gitdir, oid, cache }).then(({ tree }) => tree);
    trees.set(oid, read);
    return read;
  };
  const find = async (path: string): Promise<GitEntry | undefined> => {
    let entries = await readTree(commit);
    const names = path.split('/');
    for (const [index, name] of names.entries()) {
      const entry = entries.find((candidate) => candidate.path === name);
      if (entry === undefined || index === names.length - 1) return entry;
      if (entry.type !== 'tree') return undefined;
      entries = await readTree(entry.oid);
    }
    return undefined;
  };

  return {
    async committedAt() {
      const { commit: found } = await git.readCommit({ fs, gitdir, oid: commit, cache });
      return new Date(found.committer.timestamp * 1000);
    },
    async list(folder) {
      const isRoot = folder === '' || folder === '.';
      const entry = isRoot ? undefined : await find(folder);
      if (!isRoot && entry?.type !== 'tree') return undefined;
      const entries = await readTree(entry?.oid ?? commit);
      return entries.map(
        ({ path, mode }): TreeEntry => ({
          path: isRoot ? path : `${folder}/${path}`,
          kind: kindOf(mode),
          mode: mode === '100755' || kindOf(mode) === 'directory' ? 0o755 : 0o644,
        }),
      );
    },
    async read(path) {
      const entry = await find(path);
      if (entry?.type !== 'blob') {
        throw new CloudError('OFC_NOT_FOUND', `The commit has no file ${path}.`);
      }
      const { blob } = await git.readBlob({ fs, gitdir, oid: entry.oid, cache });
      const content = Buffer.from(blob.buffer, blob.byteOffset, blob.length);
      if (isLfsPointer(content)) throw keptInLfs(path);
      return content;
    },
    async submodule(path) {
      const entry = await find(path);
      return entry !== undefined && kindOf(entry.mode) === 'submodule' ? entry.oid : undefined;
    },
  };
}

/**
 * Whether a file only says where Git LFS has the content.
 *
 * @see https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
 */
function isLfsPointer(content: Buffer): boolean {
  if (content.length >= 1024) return false;
  return /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n/.test(content.toString('latin1'));
}

/** Whoever pushes could name any LFS server in the repo, so that none is asked. */
function keptInLfs(path: string): CloudError {
  return new CloudError(
    'OFC_SOURCE_REFUSED',
    `"${path}" is kept in Git LFS, which is not fetched here, so it cannot be built.`,
    { hint: 'Commit the file itself, or fetch it while building.' },
  );
}

function kindOf(mode: string): TreeEntry['kind'] {
  if (mode === '040000' || mode === '40000') return 'directory';
  if (mode === '120000') return 'symlink';
  if (mode === '160000') return 'submodule';
  return 'file';
}
