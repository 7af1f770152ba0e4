import { CloudError } from '../errors.ts';
import { parseSha, type Sha } from '../names.ts';
import type { TreeEntry } from '../shrinkwrap/source-tree.ts';
import type { FetchedCommit, FetchedTree } from './fetch-commit.ts';
import type { GitTree } from './git-tree.ts';

/** A repo may have that many submodules that are looked into. */
const maxSubmodules = 20;

/** What fetches one commit of a public repo. */
type FetchPublic = (url: string, sha: Sha) => Promise<FetchedCommit>;

/**
 * A commit with its submodules in place, each fetched when something of it is read. They must be on the
 * host of the repo itself, and are fetched without credentials: who may push here need not be somebody
 * who may read there. Submodules of submodules are left as they are.
 *
 * @param url The address of the repo, against which relative ones are resolved.
 */
export function withSubmodules(
  commit: FetchedCommit,
  url: string,
  fetch: FetchPublic,
): FetchedTree {
  const { tree } = commit;
  const fetched = new Map<string, Promise<FetchedCommit>>();
  let urls: Promise<ReadonlyMap<string, string>> | undefined;

  const open = async (path: string, sha: Sha): Promise<GitTree> => {
    urls ??= readModules(tree);
    const address = resolveUrl((await urls).get(path), path, url);
    if (fetched.size >= maxSubmodules && !fetched.has(path)) {
      throw refused(path, `is one of more than ${maxSubmodules} submodules`);
    }
    const known =
      fetched.get(path) ??
      fetch(address, sha).catch((error: unknown) => {
        throw withReason(error, path);
      });
    fetched.set(path, known);
    return (await known).tree;
  };
  /** The submodule that `path` is or lies in, and the rest of the path. */
  const inside = async (
    path: string,
  ): Promise<{ at: string; sub: GitTree; rest: string } | undefined> => {
    const names = path.split('/');
    for (let count = 1; count <= names.length; count += 1) {
      const at = names.slice(0, count).join('/');
      const sha = await tree.submodule(at);
      if (sha === undefined) continue;
      return { at, sub: await open(at, parseSha(sha)), rest: names.slice(count).join('/') };
    }
    return undefined;
  };

  return {
    ...(commit.committedAt && { committedAt: commit.committedAt }),
    tree: {
      async list(folder) {
        const found = await inside(folder);
        const entries = await (found === undefined
          ? tree.list(folder)
          : found.sub.list(found.rest));
        return entries?.map((entry) => placed(entry, found?.at));
      },
      async read(path) {
        const found = await inside(path);
        return found === undefined ? tree.read(path) : found.sub.read(found.rest);
      },
    },
    async remove() {
      const subs = await Promise.allSettled(fetched.values());
      for (const sub of subs) if (sub.status === 'fulfilled') await sub.value.remove();
      await commit.remove();
    },
  };
}

function placed(entry: TreeEntry, at: string | undefined): TreeEntry {
  if (at !== undefined) return { ...entry, path: `${at}/${entry.path}` };
  return entry.kind === 'submodule' ? { ...entry, kind: 'directory', mode: 0o755 } : entry;
}

/** The addresses in `.gitmodules`, by path. */
async function readModules(tree: GitTree): Promise<ReadonlyMap<string, string>> {
  const text = String(await tree.read('.gitmodules').catch(() => ''));
  const urls = new Map<string, string>();
  for (const section of text.split(/^\s*\[/m)) {
    const value = (key: string) =>
      new RegExp(`^\\s*${key}\\s*=\\s*(\\S+)\\s*$`, 'm').exec(section)?.[1];
    const [path, url] = [value('path'), value('url')];
    if (path !== undefined && url !== undefined) urls.set(path, url);
  }
  return urls;
}

function resolveUrl(given: string | undefined, path: string, repo: string): string {
  if (given === undefined) throw refused(path, 'is a submodule without an address in .gitmodules');
  const url = URL.canParse(given, `${repo}/`) ? new URL(given, `${repo}/`) : undefined;
  const { origin } = new URL(repo);
  if (url?.origin !== origin || url.username !== '' || url.password !== '') {
    throw refused(path, `is a submodule that is not on ${origin}`);
  }
  return url.href;
}

/** Its own message is about the repo itself, which could have been given to the platform's app. */
function withReason(error: unknown, path: string): unknown {
  if (!(error instanceof CloudError) || error.code !== 'OFC_CLONE') return error;
  return new CloudError('OFC_CLONE', `The submodule "${path}" cannot be read: ${error.message}`, {
    hint: 'Submodules are fetched without credentials, so it must be public. Or commit its files.',
  });
}

function refused(path: string, problem: string): CloudError {
  return new CloudError('OFC_SOURCE_REFUSED', `"${path}" ${problem}, so it cannot be built.`, {
    hint: 'Commit its files, or fetch it while building.',
  });
}
