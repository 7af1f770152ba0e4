import { execFile } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { tempDir } from './temp-dir.ts';

const run = promisify(execFile);

/** Files of a commit by path; `null` removes one, `{ link }` makes a symbolic link. */
export type RepoFiles = Readonly<Record<string, string | null | { readonly link: string }>>;

/** A working copy, driven by the real git client. */
export interface GitRepo {
  readonly folder: string;
  /** Commits all changes and gives the commit's id. */
  commit(files: RepoFiles, message?: string): Promise<string>;
  push(ref?: string): Promise<void>;
  git(...args: string[]): Promise<string>;
  remove(): Promise<void>;
}

/** A new repo on branch `main` whose remote is `url`. */
export async function gitRepo(url: string): Promise<GitRepo> {
  const { path: folder, remove } = await tempDir();
  const git = async (...args: string[]): Promise<string> => {
    const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost'];
    const { stdout } = await run('git', [...identity, ...args], { cwd: folder });
    return stdout.trim();
  };
  await git('init', '--quiet', '--initial-branch=main');
  await git('remote', 'add', 'origin', url);
  return {
    folder,
    git,
    remove,
    async commit(files, message = 'A change') {
      for (const [path, content] of Object.entries(files)) await put(join(folder, path), content);
      await git('add', '--all', '.');
      await git('commit', '--quiet', '--allow-empty', `--message=${message}`);
      return git('rev-parse', 'HEAD');
    },
    async push(ref = 'main') {
      await git('push', '--quiet', 'origin', ref);
    },
  };
}

async function put(path: string, content: RepoFiles[string]): Promise<void> {
  if (content === null) return rm(path);
  await mkdir(dirname(path), { recursive: true });
  if (typeof content === 'object' && content !== undefined) {
    await rm(path, { force: true });
    return symlink(content.link, path);
  }
  await writeFile(path, content ?? '');
}
