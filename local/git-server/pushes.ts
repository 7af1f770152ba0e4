import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Deliveries } from './deliveries.ts';
import type { Git } from './git-process.ts';
import { addressesOf } from './github-shapes.ts';
import { type InstallationChange, installationEvent } from './installation-event.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { createKeyedLock } from './keyed-lock.ts';
import type { Maintenance } from './maintenance.ts';
import { pushEvent } from './push-event.ts';
import { compareRefs, type RefChange, type Refs, readRefs } from './refs.ts';
import type { RepoPath } from './repo-path.ts';
import type { Account, Repo, RepoStore } from './repo-store.ts';

/** Changes to repos and the webhooks that tell of them. */
export interface Pushes {
  /**
   * Runs `receive`, which may move refs in the bare repo it is given, then records a webhook for
   * each ref that moved. Pushes to one repo follow each other. A new repo is made on the way.
   *
   * @returns what moved.
   */
  push(path: RepoPath, receive: (gitFolder: string) => Promise<void>): Promise<RefChange[]>;
  /** Finds a repo or makes an empty one. */
  ensureRepo(path: RepoPath, isPrivate: boolean): Promise<Repo>;
  removeRepo(repo: Repo): Promise<void>;
  /** Records what was pushed just before an earlier process ended. */
  recover(): Promise<void>;
}

interface PushesOptions {
  readonly git: Git;
  readonly store: RepoStore;
  readonly deliveries: Deliveries;
  readonly folder: string;
  readonly appId: number;
  readonly publicUrl: () => string;
  readonly maintenance: Pick<Maintenance, 'note'>;
}

/** A push that has begun; lies on disk until its webhooks are recorded. */
interface Journal extends RepoPath {
  readonly id: string;
  readonly refsBefore: Refs;
}

/** The group of a repo's deliveries; owners hold no dot. */
export function deliveryGroup({ owner, name }: RepoPath): string {
  return `${owner}.${name}`.toLowerCase();
}

/** GitHub sends nothing for tags when more than this many are pushed at once. */
const maxTags = 3;

/** Makes the one place through which repos change. */
export function createPushes(options: PushesOptions): Pushes {
  const { git, store, deliveries, appId } = options;
  const lock = createKeyedLock();
  const addresses = () => addressesOf(options.publicUrl());
  const gitFolder = ({ owner, name }: RepoPath): string => join(store.folderOf(owner, name), 'git');
  const journalPath = (id: string): string => join(options.folder, `${id}.json`);

  const initialise = async (path: RepoPath): Promise<void> => {
    const folder = gitFolder(path);
    await mkdir(folder, { recursive: true });
    await git.read(folder, ['init', '--quiet', '--bare', '--template=', '--initial-branch=main']);
  };

  const announce = async (
    change: InstallationChange,
    repo: Repo,
    owner: Account,
  ): Promise<void> => {
    const webhook = installationEvent(change, repo, owner, appId, addresses());
    await deliveries.record(deliveryGroup(repo), { guid: randomUUID(), ...webhook });
  };

  const register = async (
    { owner, name }: RepoPath,
    details: Pick<Repo, 'private' | 'defaultBranch'>,
  ): Promise<Repo> => {
    const account = await store.ensureAccount(owner);
    const isFirst = store.repos(owner).length === 0;
    const repo = await store.createRepo(account, name, details);
    await announce(isFirst ? 'created' : 'added', repo, account);
    return repo;
  };

  /** HEAD follows the first branch that is pushed, as on GitHub. */
  const chooseDefaultBranch = async (
    folder: string,
    repo: Repo | undefined,
    refs: Refs,
  ): Promise<string> => {
    const current = repo?.defaultBranch ?? 'main';
    const heads = Object.keys(refs).filter((ref) => ref.startsWith('refs/heads/'));
    if (heads.length === 0 || heads.includes(`refs/heads/${current}`)) return current;
    const chosen = heads.find((ref) => ref === 'refs/heads/master') ?? heads[0] ?? '';
    await git.read(folder, ['symbolic-ref', 'HEAD', chosen]);
    return chosen.slice('refs/heads/'.length);
  };

  const finish = async (
    journal: Journal,
    knownGuids: ReadonlySet<string>,
  ): Promise<RefChange[]> => {
    const folder = gitFolder(journal);
    const refsAfter = await readRefs(git, folder);
    const known = store.repo(journal.owner, journal.name);
    const changes = compareRefs(journal.refsBefore, refsAfter);
    if (changes.length > 0) {
      const defaultBranch = await chooseDefaultBranch(folder, known, refsAfter);
      const created = known ?? (await register(journal, { private: false, defaultBranch }));
      // Read anew: the repo may have been made private meanwhile.
      const current = store.repo(journal.owner, journal.name) ?? created;
      const repo = { ...current, defaultBranch, pushedAt: new Date().toISOString() };
      await store.saveRepo(repo);
      const owner = await store.ensureAccount(repo.owner);
      for (const change of worthTelling(changes)) {
        const guid = guidOf(journal.id, change.ref);
        if (knownGuids.has(guid)) continue;
        const facts = { change, refsBefore: journal.refsBefore, repo, owner };
        const payload = await pushEvent(git, folder, facts, addresses());
        await deliveries.record(deliveryGroup(repo), { guid, event: 'push', payload });
      }
    } else if (known === undefined) {
      await rm(store.folderOf(journal.owner, journal.name), { recursive: true, force: true });
    }
    await rm(journalPath(journal.id), { force: true });
    return changes;
  };

  return {
    push: (path, receive) =>
      lock(deliveryGroup(path), async () => {
        if (store.repo(path.owner, path.name) === undefined) await initialise(path);
        const folder = gitFolder(path);
        const journal = { id: randomUUID(), ...path, refsBefore: await readRefs(git, folder) };
        await writeJsonFile(journalPath(journal.id), journal);
        let changes: RefChange[] = [];
        try {
          await receive(folder);
        } finally {
          changes = await finish(journal, new Set());
        }
        if (changes.length > 0) options.maintenance.note(folder);
        return changes;
      }),
    ensureRepo: (path, isPrivate) =>
      lock(deliveryGroup(path), async () => {
        const known = store.repo(path.owner, path.name);
        if (known !== undefined) return known;
        await initialise(path);
        return register(path, { private: isPrivate, defaultBranch: 'main' });
      }),
    removeRepo: (repo) =>
      lock(deliveryGroup(repo), async () => {
        const owner = await store.ensureAccount(repo.owner);
        await store.deleteRepo(repo);
        await announce('removed', repo, owner);
      }),
    recover: async () => {
      await mkdir(options.folder, { recursive: true });
      for (const file of readdirSync(options.folder).filter((name) => name.endsWith('.json'))) {
        const journal = readJsonFile<Journal>(join(options.folder, file));
        if (journal === undefined) continue;
        if (!existsSync(gitFolder(journal))) {
          await rm(journalPath(journal.id), { force: true });
          continue;
        }
        const sent = await deliveries.list(deliveryGroup(journal));
        await lock(deliveryGroup(journal), () =>
          finish(journal, new Set(sent.map(({ guid }) => guid))),
        );
      }
    },
  };
}

function worthTelling(changes: readonly RefChange[]): RefChange[] {
  const heads = changes.filter(({ ref }) => ref.startsWith('refs/heads/'));
  const tags = changes.filter(({ ref }) => ref.startsWith('refs/tags/'));
  return tags.length > maxTags ? heads : [...heads, ...tags];
}

/** The same push and ref give the same delivery id, so that nothing is told twice after a crash. */
function guidOf(pushId: string, ref: string): string {
  const hex = createHash('sha256').update(`${pushId} ${ref}`).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
