import { join } from 'node:path';
import type { CheckRun } from './check-runs.ts';
import type { Deployment, DeploymentStatus } from './deployments.ts';
import { openRecordStore, type RecordStore } from './record-store.ts';
import type { Repo, RepoStore } from './repo-store.ts';
import type { CommitStatus } from './statuses.ts';

/** What is kept about a repo's commits. */
export interface RepoRecords {
  /** Grouped by commit. */
  readonly checkRuns: RecordStore<CheckRun>;
  /** Grouped by commit. */
  readonly statuses: RecordStore<CommitStatus>;
  /** All in the group `all`. */
  readonly deployments: RecordStore<Deployment>;
  /** Grouped by deployment id. */
  readonly deploymentStatuses: RecordStore<DeploymentStatus>;
}

/** Opens the records of a repo at first use and keeps them open; a repo made anew has none. */
export function createRepoRecords(store: RepoStore): (repo: Repo) => RepoRecords {
  const open = new Map<number, RepoRecords>();
  return (repo) => {
    const known = open.get(repo.id);
    if (known !== undefined) return known;
    const folder = store.folderOf(repo.owner, repo.name);
    const records: RepoRecords = {
      checkRuns: openRecordStore(join(folder, 'check-runs')),
      statuses: openRecordStore(join(folder, 'statuses')),
      deployments: openRecordStore(join(folder, 'deployments')),
      deploymentStatuses: openRecordStore(join(folder, 'deployment-statuses')),
    };
    open.set(repo.id, records);
    return records;
  };
}
