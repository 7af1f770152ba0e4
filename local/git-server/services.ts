import { LRUCache } from 'lru-cache';
import { canRead } from './api-auth.ts';
import type { ApiCall } from './api-router.ts';
import { resolveCommit } from './commits.ts';
import type { Deliveries } from './deliveries.ts';
import type { Git } from './git-process.ts';
import type { Addresses } from './github-shapes.ts';
import { HttpError, notFound } from './http-error.ts';
import type { Pushes } from './pushes.ts';
import type { RepoRecords } from './repo-records.ts';
import type { Account, Repo, RepoStore } from './repo-store.ts';
import type { Tokens } from './tokens.ts';

/** The parts of the server that its API and pages share. */
export interface Services {
  readonly git: Git;
  readonly store: RepoStore;
  readonly records: (repo: Repo) => RepoRecords;
  readonly pushes: Pushes;
  readonly deliveries: Deliveries;
  readonly tokens: Tokens;
  readonly appId: number;
  readonly addresses: () => Addresses;
  /** Commits that were found before: an id never comes to mean another one. */
  readonly knownCommits: LRUCache<string, true>;
}

/** An empty cache for {@link Services.knownCommits}. */
export function createKnownCommits(): LRUCache<string, true> {
  return new LRUCache({ max: 1000 });
}

/** A repo with what handlers need to know of it. */
export interface FoundRepo {
  readonly repo: Repo;
  readonly owner: Account;
  /** `owner/name`, in the case in which both were made. */
  readonly fullName: string;
  readonly gitFolder: string;
}

/** The repo of that name, or undefined. */
export function findRepo(
  services: Services,
  ownerText: string,
  nameText: string,
): FoundRepo | undefined {
  const { store } = services;
  const repo = store.repo(ownerText, nameText);
  const owner = repo === undefined ? undefined : store.account(repo.owner);
  if (repo === undefined || owner === undefined) return undefined;
  return {
    repo,
    owner,
    fullName: `${owner.login}/${repo.name}`,
    gitFolder: `${store.folderOf(repo.owner, repo.name)}/git`,
  };
}

/**
 * The repo that a call's `:owner` and `:repo` name.
 *
 * @throws HttpError 404 if it is not there or the caller may not see it
 */
export function requireRepo(services: Services, call: ApiCall): FoundRepo {
  const found = findRepo(services, call.param('owner'), call.param('repo'));
  if (found === undefined || !canRead(call.caller, found.repo, services.store)) throw notFound();
  return found;
}

/**
 * The commit that a branch, tag or id names.
 *
 * @throws HttpError 422
 */
export async function requireCommit(
  services: Services,
  found: FoundRepo,
  name: string,
): Promise<string> {
  const key = `${found.gitFolder} ${name}`;
  // Each check that a push writes names its commit, and a process of git takes longer than all the rest.
  if (services.knownCommits.has(key)) return name;
  const sha = await resolveCommit(services.git, found.gitFolder, name);
  if (sha !== undefined && sha === name) services.knownCommits.set(key, true);
  if (sha === undefined) throw new HttpError(422, `No commit found for SHA: ${name.slice(0, 100)}`);
  return sha;
}
