import git from 'isomorphic-git';
import { CloudError } from '#shared/errors.ts';
import { type FetchedTree, fetchCommit } from '#shared/git/fetch-commit.ts';
import { type FetchLimits, limitedHttp } from '#shared/git/limited-http.ts';
import { parseSha, type Sha } from '#shared/names.ts';

interface Fetched {
  readonly sha: Sha;
  readonly commit: FetchedTree;
  /** What this one replaced; plans that began with it may still read it. */
  readonly replaced?: FetchedTree | undefined;
}

interface Repository {
  last?: Fetched;
  checkedAt: number;
  refreshing?: Promise<void> | undefined;
}

/**
 * Fetches template repos, once for each commit: for `refreshMs` the last answer holds, then only the
 * ref is asked for, and content is fetched if it moved. If it cannot be asked for, the last answer
 * holds on. Callers at the same time share one fetch.
 */
export function createTemplateFetch(
  limits: FetchLimits,
  refreshMs: number,
): (repository: string) => Promise<FetchedTree> {
  const repositories = new Map<string, Repository>();

  const fetchNewest = async (repository: string, last: Fetched | undefined): Promise<Fetched> => {
    const [url = '', ref = 'HEAD'] = repository.split('#');
    const sha = await resolveRef(url, ref, limits);
    if (last?.sha === sha) return last;
    const commit = await fetchCommit({ url, sha }, limits);
    await last?.replaced?.remove();
    return { sha, commit, replaced: last?.commit };
  };
  const refresh = async (name: string, repository: Repository): Promise<void> => {
    try {
      repository.last = await fetchNewest(name, repository.last);
    } catch (error) {
      if (repository.last === undefined) throw error;
    } finally {
      repository.checkedAt = Date.now();
      repository.refreshing = undefined;
    }
  };

  return async (name) => {
    const repository = repositories.get(name) ?? { checkedAt: 0 };
    repositories.set(name, repository);
    if (repository.last === undefined || Date.now() - repository.checkedAt >= refreshMs) {
      repository.refreshing ??= refresh(name, repository);
      await repository.refreshing;
    }
    if (repository.last === undefined) throw unread(name);
    return repository.last.commit;
  };
}

async function resolveRef(url: string, ref: string, limits: FetchLimits): Promise<Sha> {
  const http = limitedHttp(new URL(url).origin, limits);
  try {
    const refs = await git.listServerRefs({ http, url, protocolVersion: 1, peelTags: true });
    const names = [ref, `refs/heads/${ref}`, `refs/tags/${ref}`];
    const found = refs.find((candidate) => names.includes(candidate.ref));
    if (found !== undefined) return parseSha(found.peeled ?? found.oid);
  } catch (error) {
    throw unread(url, error);
  }
  throw new CloudError('OFC_TEMPLATE', `The template repo ${url} has no ref "${ref}".`, {
    hint: 'The operator must mend custom_templates.',
  });
}

function unread(url: string, cause?: unknown): CloudError {
  return new CloudError('OFC_UPSTREAM', `The template repo ${url} cannot be read.`, { cause });
}
