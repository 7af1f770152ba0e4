import git from 'isomorphic-git';
import { CloudError } from '#shared/errors.ts';
import { type FetchedCommit, fetchCommit } from '#shared/git/fetch-commit.ts';
import { type FetchLimits, limitedHttp } from '#shared/git/limited-http.ts';
import { parseSha, type Sha } from '#shared/names.ts';

interface Cached {
  readonly sha: Sha;
  readonly commit: FetchedCommit;
  readonly checkedAt: number;
}

/**
 * Fetches template repos, once for each commit: for `refreshMs` the last answer holds, then only the
 * ref is asked for, and content is fetched if it moved.
 */
export function createTemplateFetch(
  limits: FetchLimits,
  refreshMs: number,
): (repository: string) => Promise<FetchedCommit> {
  const cache = new Map<string, Promise<Cached>>();

  const refresh = async (repository: string, last: Cached | undefined): Promise<Cached> => {
    const [url = '', ref = 'HEAD'] = repository.split('#');
    const sha = await resolveRef(url, ref, limits);
    const checkedAt = Date.now();
    if (last?.sha === sha) return { ...last, checkedAt };
    return { sha, commit: await fetchCommit({ url, sha }, limits), checkedAt };
  };

  return async (repository) => {
    const last = await cache.get(repository)?.catch(() => undefined);
    if (last !== undefined && Date.now() - last.checkedAt < refreshMs) return last.commit;
    const next = refresh(repository, last);
    cache.set(repository, next);
    try {
      return (await next).commit;
    } catch (error) {
      if (last !== undefined) {
        cache.set(repository, Promise.resolve(last));
        return last.commit;
      }
      cache.delete(repository);
      throw error;
    }
  };
}

async function resolveRef(url: string, ref: string, limits: FetchLimits): Promise<Sha> {
  const http = limitedHttp(new URL(url).origin, limits);
  try {
    const refs = await git.listServerRefs({ http, url, protocolVersion: 1 });
    const names = [ref, `refs/heads/${ref}`, `refs/tags/${ref}`];
    const found = refs.find((candidate) => names.includes(candidate.ref));
    if (found !== undefined) return parseSha(found.peeled ?? found.oid);
  } catch (error) {
    throw new CloudError('OFC_UPSTREAM', `The template repo ${url} cannot be read.`, {
      cause: error,
    });
  }
  throw new CloudError('OFC_TEMPLATE', `The template repo ${url} has no ref "${ref}".`, {
    hint: 'The operator must mend custom_templates.',
  });
}
