import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readJsonFile, writeJsonFile } from './json-file.ts';

/** A user or organisation of this server. */
export interface Account {
  readonly id: number;
  /** The app counts as installed for every account. */
  readonly installationId: number;
  readonly login: string;
  readonly type: 'User' | 'Organization';
  /** Logins of an organisation's members. */
  readonly members: readonly string[];
  readonly createdAt: string;
}

/** A repo that somebody pushed or created. */
export interface Repo {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  readonly private: boolean;
  readonly defaultBranch: string;
  readonly createdAt: string;
  readonly pushedAt: string;
}

/** Accounts and repos, held in memory and in JSON files. Names are compared without case. */
export interface RepoStore {
  accounts(): Account[];
  account(login: string): Account | undefined;
  /** Finds an account or makes it; its numbers never change and are never given to another. */
  ensureAccount(login: string): Promise<Account>;
  saveAccount(account: Account): Promise<void>;
  /** All repos, or those of one owner, by name. */
  repos(owner?: string): Repo[];
  repo(owner: string, name: string): Repo | undefined;
  createRepo(
    owner: Account,
    name: string,
    details: Pick<Repo, 'private' | 'defaultBranch'>,
  ): Promise<Repo>;
  saveRepo(repo: Repo): Promise<void>;
  deleteRepo(repo: Repo): Promise<void>;
  /** Where a repo's records lie, with its bare git folder in `git`. */
  folderOf(owner: string, name: string): string;
}

/** Opens the store in `folder`. */
export function openRepoStore(folder: string): RepoStore {
  const owners = join(folder, 'owners');
  const accounts = new Map<string, Account>();
  const repos = new Map<string, Repo>();
  const keyOf = (owner: string, name: string): string => `${owner}/${name}`.toLowerCase();
  const accountFolder = (login: string): string => join(owners, login.toLowerCase());
  const folderOf = (owner: string, name: string): string =>
    join(accountFolder(owner), 'repos', name.toLowerCase());

  for (const login of namesIn(owners)) {
    const account = readJsonFile<Account>(join(owners, login, 'account.json'));
    if (account !== undefined) accounts.set(login, account);
    for (const name of namesIn(join(owners, login, 'repos'))) {
      const repo = readJsonFile<Repo>(join(folderOf(login, name), 'repo.json'));
      if (repo !== undefined) repos.set(keyOf(login, name), repo);
    }
  }

  let lastId = readJsonFile<number>(join(folder, 'last-id.json')) ?? 1000;
  const takeId = async (): Promise<number> => {
    lastId += 1;
    const id = lastId;
    await writeJsonFile(join(folder, 'last-id.json'), lastId);
    return id;
  };

  const saveAccount = async (account: Account): Promise<void> => {
    accounts.set(account.login.toLowerCase(), account);
    await writeJsonFile(join(accountFolder(account.login), 'account.json'), account);
  };
  const saveRepo = async (repo: Repo): Promise<void> => {
    repos.set(keyOf(repo.owner, repo.name), repo);
    await writeJsonFile(join(folderOf(repo.owner, repo.name), 'repo.json'), repo);
  };
  const makeAccount = async (login: string): Promise<Account> => {
    const account: Account = {
      id: await takeId(),
      installationId: await takeId(),
      login,
      type: 'User',
      members: [],
      createdAt: new Date().toISOString(),
    };
    await saveAccount(account);
    return account;
  };
  const making = new Map<string, Promise<Account>>();

  return {
    accounts: () => [...accounts.values()],
    account: (login) => accounts.get(login.toLowerCase()),
    ensureAccount: async (login) => {
      const key = login.toLowerCase();
      const known = accounts.get(key) ?? making.get(key);
      if (known !== undefined) return known;
      const made = makeAccount(login).finally(() => making.delete(key));
      making.set(key, made);
      return made;
    },
    saveAccount,
    repos: (owner) =>
      [...repos.values()]
        .filter((repo) => owner === undefined || sameName(repo.owner, owner))
        .sort((a, b) => (keyOf(a.owner, a.name) < keyOf(b.owner, b.name) ? -1 : 1)),
    repo: (owner, name) => repos.get(keyOf(owner, name)),
    createRepo: async (owner, name, details) => {
      const now = new Date().toISOString();
      const repo = {
        id: await takeId(),
        owner: owner.login,
        name,
        ...details,
        createdAt: now,
        pushedAt: now,
      };
      await saveRepo(repo);
      return repo;
    },
    saveRepo,
    deleteRepo: async (repo) => {
      repos.delete(keyOf(repo.owner, repo.name));
      await rm(folderOf(repo.owner, repo.name), { recursive: true, force: true, maxRetries: 5 });
    },
    folderOf,
  };
}

/** Whether two logins or repo names are the same to GitHub. */
export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
