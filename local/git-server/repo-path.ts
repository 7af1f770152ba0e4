import { parseOwner, parseRepoName } from '#shared/names.ts';
import { HttpError } from './http-error.ts';

/** An owner and a repo as written in an address: checked, case kept. */
export interface RepoPath {
  readonly owner: string;
  readonly name: string;
}

/** First path segments that are not owners. */
const ownPaths: ReadonlySet<string> = new Set(['api', 'login', 'settings']);

/**
 * Checks a login by GitHub's rule: letters, digits and single hyphens, at most 39 characters.
 *
 * @throws HttpError 422
 */
export function parseLogin(text: string): string {
  const fits = /^[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){0,38}$/i.test(text);
  if (!fits || ownPaths.has(text.toLowerCase())) throw invalid('owner', text);
  try {
    parseOwner(text);
  } catch {
    throw invalid('owner', text);
  }
  return text;
}

/**
 * Checks owner and repo. `.git` at the end of the repo's name is dropped.
 *
 * @throws HttpError 422
 */
export function parseRepoPath(ownerText: string, nameText: string): RepoPath {
  const owner = parseLogin(ownerText);
  const name = nameText.replace(/\.git$/i, '');
  if (/\.(?:git|wiki)$/i.test(name)) throw invalid('repo', name);
  try {
    parseRepoName(name);
  } catch {
    throw invalid('repo', name);
  }
  return { owner, name };
}

function invalid(what: string, text: string): HttpError {
  return new HttpError(422, `The ${what} name ${JSON.stringify(text.slice(0, 100))} is not valid.`);
}
