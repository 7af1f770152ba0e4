import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CloudError } from '#shared/errors.ts';
import { parseOwner, parseRepoName } from '#shared/names.ts';
import type { Records } from '#shared/pipeline/records.ts';
import type { DeploymentRecords } from '#shared/pipeline/states.ts';

const run = promisify(execFile);
const owner = parseOwner('alice');
const repo = parseRepoName('sample');

/** Where the sample repo lives on the git server. */
export const samplePath = `${owner}/${repo}`;

/**
 * Pushes the sample repo by the real git client, unless that was done before, and waits until its
 * deployment is closed.
 *
 * @param gitUrl The git server's address.
 */
export async function pushSample(
  { folder, gitUrl, records }: { folder: string; gitUrl: string; records: Records },
  signal: AbortSignal,
): Promise<DeploymentRecords | 'there already'> {
  if ((await records.deploymentsOf(owner, repo)).length > 0) return 'there already';
  const work = await mkdtemp(join(tmpdir(), 'ofc-sample-'));
  try {
    await cp(folder, work, { recursive: true });
    const git = (...args: string[]) => run('git', args, { cwd: work, signal });
    await git('init', '--quiet', '--initial-branch=main');
    await git('add', '.');
    const author = ['-c', 'user.name=Alice', '-c', 'user.email=alice@localhost'];
    await git(...author, 'commit', '--quiet', '--message=Two functions to begin with');
    await git('push', '--quiet', `${gitUrl}/${samplePath}.git`, 'main');
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return untilClosed(records, signal);
}

async function untilClosed(records: Records, signal: AbortSignal): Promise<DeploymentRecords> {
  const deadline = Date.now() + 120_000;
  while (Date.now() < deadline) {
    const newest = (await records.deploymentsOf(owner, repo)).at(-1);
    const found = newest === undefined ? undefined : await records.load(newest);
    if (found?.closed !== undefined) return found;
    await delay(50, undefined, { signal });
  }
  throw new CloudError('OFC_TIMEOUT', 'The sample was pushed and is not live after two minutes.');
}
