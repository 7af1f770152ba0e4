import { type Commit, readCommits } from './commits.ts';
import type { Git } from './git-process.ts';
import {
  type Addresses,
  accountJson,
  emailOf,
  type Json,
  nodeId,
  pushRepositoryJson,
} from './github-shapes.ts';
import { type RefChange, type Refs, zeroSha } from './refs.ts';
import type { Account, Repo } from './repo-store.ts';

/** What a push event is made from. */
export interface PushFacts {
  readonly change: RefChange;
  /** All refs as they were before the push. */
  readonly refsBefore: Refs;
  readonly repo: Repo;
  readonly owner: Account;
}

/**
 * The body of a `push` webhook.
 *
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
 */
export async function pushEvent(
  git: Git,
  folder: string,
  facts: PushFacts,
  at: Addresses,
): Promise<Json> {
  const { change, refsBefore, repo, owner } = facts;
  const created = change.before === zeroSha;
  const deleted = change.after === zeroSha;
  const others = Object.entries(refsBefore)
    .filter(([ref, id]) => ref !== change.ref && id !== change.before)
    .map(([, id]) => id);
  // One `git log` in the usual case: a branch that moves, alone in its repo.
  const listed = deleted
    ? []
    : await readCommits(git, folder, [change.after], created ? others : [change.before]);
  const [head] =
    listed.length > 0 || deleted ? listed : await readCommits(git, folder, [change.after], [], 1);
  const distinct =
    created || deleted || others.length === 0
      ? undefined
      : await newCommits(git, folder, change, others);
  const html = `${at.html}/${owner.login}/${repo.name}`;
  const toJson = (commit: Commit): Json =>
    commitJson(commit, html, distinct?.has(commit.id) ?? true);
  const sender = accountJson(owner, at);
  return {
    ref: change.ref,
    before: change.before,
    after: change.after,
    repository: pushRepositoryJson(repo, owner, at),
    pusher: { name: owner.login, email: emailOf(owner) },
    ...(owner.type === 'Organization' ? { organization: sender } : {}),
    sender,
    installation: {
      id: owner.installationId,
      node_id: nodeId('IntegrationInstallation', owner.installationId),
    },
    created,
    deleted,
    forced: !created && !deleted && (await isRewound(git, folder, change, listed)),
    base_ref: created ? baseRef(change, refsBefore) : null,
    compare: compareUrl(html, change, created, deleted),
    commits: listed.map(toJson).reverse(),
    head_commit: head === undefined ? null : toJson(head),
  };
}

function commitJson(commit: Commit, html: string, distinct: boolean): Json {
  const { author, committer } = commit;
  return {
    id: commit.id,
    tree_id: commit.tree,
    distinct,
    message: commit.message,
    timestamp: committer.date,
    url: `${html}/commit/${commit.id}`,
    author: { name: author.name, email: author.email, date: author.date },
    committer: { name: committer.name, email: committer.email, date: committer.date },
    added: commit.added,
    removed: commit.removed,
    modified: commit.modified,
  };
}

/** The pushed commits that no other ref had before. */
async function newCommits(
  git: Git,
  folder: string,
  change: RefChange,
  others: readonly string[],
): Promise<ReadonlySet<string>> {
  const input = [change.after, ...[change.before, ...others].map((id) => `^${id}`), ''].join('\n');
  const output = await git.read(folder, ['rev-list', '--stdin'], input);
  return new Set(output.toString('utf8').split('\n'));
}

/** Whether the old commit is no ancestor of the new one, so that something was dropped. */
async function isRewound(
  git: Git,
  folder: string,
  change: RefChange,
  listed: readonly Commit[],
): Promise<boolean> {
  if (listed.some((commit) => commit.parents.includes(change.before))) return false;
  const output = await git.read(
    folder,
    ['rev-list', '--max-count=1', '--stdin'],
    `${change.before}\n^${change.after}\n`,
  );
  return output.length > 0;
}

function baseRef(change: RefChange, refsBefore: Refs): string | null {
  const same = Object.entries(refsBefore).find(
    ([ref, id]) => id === change.after && ref.startsWith('refs/heads/'),
  );
  return same?.[0] ?? null;
}

function compareUrl(html: string, change: RefChange, created: boolean, deleted: boolean): string {
  const short = (id: string): string => id.slice(0, 12);
  if (created) return `${html}/compare/${change.ref.replace(/^refs\/(?:heads|tags)\//, '')}`;
  if (deleted) return `${html}/compare/${short(change.before)}...${'0'.repeat(12)}`;
  return `${html}/compare/${short(change.before)}...${short(change.after)}`;
}
