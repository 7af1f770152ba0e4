import type { Branch, Owner, RepoName, Sha } from '../names.ts';

/** A push of commits to a branch, checked. */
export interface BranchPush {
  readonly kind: 'branch';
  readonly owner: Owner;
  /** The SCM's stable id of the owner. */
  readonly ownerId: number;
  /** The owner as the SCM spells it. */
  readonly login: string;
  readonly repo: RepoName;
  readonly repoId: number;
  readonly fullName: string;
  readonly private: boolean;
  readonly cloneUrl: string;
  readonly repoUrl: string;
  readonly branch: Branch;
  readonly defaultBranch: Branch;
  readonly sha: Sha;
  readonly before: Sha;
  readonly pusher: string;
  readonly message: string;
  readonly installationId: number | undefined;
}

/** Repos that are gone, moved elsewhere, or that we may not see any more. */
export interface RemovedRepos {
  readonly kind: 'removed';
  readonly owner: Owner;
  /** `*`: everything of the owner. */
  readonly repos: readonly (RepoName | '*')[];
  /** Given where the SCM tells it: functions of another repo of that name stay. */
  readonly repoId?: number;
  readonly text: string;
}

/** An owner who seems to have another name now; the SCM knows by the owner's id. */
export interface RenamedOwner {
  readonly kind: 'renamed';
  /** The name before. */
  readonly owner: Owner;
}

/** Something that changes nothing here but should be on record. */
export interface NotedEvent {
  readonly kind: 'noted';
  readonly owner: Owner;
  readonly repo?: RepoName;
  readonly text: string;
  /** What is kept of it, under its key in the object store. */
  readonly record?: { readonly key: string; readonly value: object };
}

/** Nothing is to be done, and why. */
export interface IgnoredEvent {
  readonly kind: 'ignored';
  readonly why: string;
}

/** The SCM tries whether we are there. */
export interface Ping {
  readonly kind: 'ping';
}

/** What a webhook tells us, whichever SCM sent it. */
export type ScmEvent = BranchPush | RemovedRepos | RenamedOwner | NotedEvent | IgnoredEvent | Ping;
