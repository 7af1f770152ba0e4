import type { IncomingMessage } from 'node:http';
import { requireAppToken } from './app-jwt.ts';
import { HttpError, notFound } from './http-error.ts';
import type { GitServerOptions } from './options.ts';
import { type Account, type Repo, type RepoStore, sameName } from './repo-store.ts';
import type { InstallationToken, Tokens, UserToken } from './tokens.ts';

/** Who sends a request. */
export type Caller =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'app' }
  | InstallationToken
  | UserToken;

/**
 * Finds out who the caller is, from `Authorization: Bearer|token …` or, as git sends it, `Basic`
 * with the token as password.
 *
 * @param app Where the app may speak for itself (with its signed token); elsewhere left out.
 * @throws HttpError 401 for credentials that are there and wrong
 */
export function authenticate(
  request: IncomingMessage,
  tokens: Tokens,
  app?: GitServerOptions['app'],
): Caller {
  const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(/ +/);
  if (scheme === '') return { kind: 'anonymous' };
  const token =
    scheme.toLowerCase() === 'basic'
      ? Buffer.from(value, 'base64')
          .toString('utf8')
          .replace(/^[^:]*:/, '')
      : value;
  if (app !== undefined && token.split('.').length === 3) {
    requireAppToken(token, app);
    return { kind: 'app' };
  }
  const grant = tokens.find(token);
  if (grant === undefined) throw new HttpError(401, 'Bad credentials');
  return grant;
}

/** Whether the caller may see a repo: public ones everybody on this machine. */
export function canRead(caller: Caller, repo: Repo, store: RepoStore): boolean {
  return !repo.private || belongsTo(caller, repo, store);
}

/**
 * Lets a caller write to a repo.
 *
 * @param permission What an installation token must be allowed to write.
 * @throws HttpError 401 without credentials, 403 where they do not suffice, 404 for a repo that the
 * caller may not even see
 */
export function requireWrite(
  caller: Caller,
  repo: Repo,
  store: RepoStore,
  permission: 'checks' | 'statuses' | 'deployments',
): void {
  if (caller.kind === 'anonymous') throw new HttpError(401, 'Requires authentication');
  if (!canRead(caller, repo, store)) throw notFound();
  if (caller.kind === 'user') {
    if (permission === 'checks') {
      throw new HttpError(403, 'You must authenticate via a GitHub App.');
    }
    if (!belongsTo(caller, repo, store)) {
      throw new HttpError(403, 'Must have push access to the repository');
    }
    return;
  }
  const allowed =
    caller.kind === 'installation' &&
    belongsTo(caller, repo, store) &&
    caller.permissions[permission] === 'write';
  if (!allowed) throw new HttpError(403, 'Resource not accessible by integration');
}

/**
 * Lets a caller change or remove a repo: everybody on this machine, as with a push, but no token of
 * somebody else.
 *
 * @throws HttpError 403, 404
 */
export function requireOwner(caller: Caller, repo: Repo, store: RepoStore): void {
  if (caller.kind === 'anonymous' || belongsTo(caller, repo, store)) return;
  throw repo.private ? notFound() : new HttpError(403, 'Must have admin rights to Repository.');
}

/** Whether a person acts for an account: it is theirs, or an organisation that they are in. */
export function isMember(login: string, account: Account): boolean {
  return (
    sameName(account.login, login) || account.members.some((member) => sameName(member, login))
  );
}

function belongsTo(caller: Caller, repo: Repo, store: RepoStore): boolean {
  const owner = store.account(repo.owner);
  if (owner === undefined) return false;
  if (caller.kind === 'user') return isMember(caller.login, owner);
  if (caller.kind !== 'installation') return false;
  const ofOwner = caller.installationId === owner.installationId;
  return ofOwner && (caller.repositoryIds?.includes(repo.id) ?? true);
}
