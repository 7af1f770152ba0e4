import type { BuildLogs } from '../build-log/build-logs.ts';
import { CloudError } from '../errors.ts';
import type { DeploymentRef } from '../pipeline/deployment.ts';
import type { Records } from '../pipeline/records.ts';
import type { DeploymentRecords } from '../pipeline/states.ts';
import { tell } from '../pipeline/tell.ts';
import type { PublicUrls } from '../public-urls.ts';
import { checkDigest } from './check-digest.ts';
import { type Check, deriveChecks } from './check-state.ts';
import type { Reporter } from './reporter.ts';

/** What reporting works with. */
export interface Reporting {
  readonly records: Pick<Records, 'load' | 'recordTold' | 'told' | 'settle'>;
  readonly logs: Pick<BuildLogs, 'read'>;
  readonly urls: PublicUrls;
  readonly reporter: Reporter;
}

/** Rounds in one call; a deployment has fewer states than that. */
const maxRounds = 50;

/**
 * Makes a commit's checks say what the records say. The records are read again after each round of
 * writing: a call that was overtaken by another one then repairs what it wrote over.
 *
 * A verdict that stands there everywhere counts as told.
 *
 * @returns how many entries were written.
 * @throws CloudError `OFC_NOT_FOUND` without such a deployment, and those of the reporter; one check
 * that cannot be written does not keep the others from it.
 */
export async function reportDeployment(deps: Reporting, ref: DeploymentRef): Promise<number> {
  const said = new Map<string, string>();
  let written = 0;
  for (let round = 0; round < maxRounds; round += 1) {
    const records = await deps.records.load(ref);
    if (records === undefined) {
      throw new CloudError('OFC_NOT_FOUND', `There is no deployment ${ref.id}.`);
    }
    const stale = deriveChecks(records, deps.urls).filter(
      (check) => said.get(check.context) !== checkDigest(check),
    );
    const count = await reportAll(deps, records, stale, said);
    if (count === 0) {
      await tell(deps.records, records, 'status');
      return written;
    }
    written += count;
  }
  return written;
}

async function reportAll(
  { reporter, logs }: Reporting,
  { deployment }: DeploymentRecords,
  checks: readonly Check[],
  said: Map<string, string>,
): Promise<number> {
  const failures: unknown[] = [];
  let written = 0;
  // One after the other, as GitHub asks for writes; the verdict comes after what it is about.
  const isVerdict = (check: Check) => check.context === 'stack' && check.status === 'completed';
  const ordered = [...checks].sort((a, b) => Number(isVerdict(a)) - Number(isVerdict(b)));
  for (const check of ordered) {
    const { context, logOf } = check;
    const { owner, repo, sha } = deployment;
    const log = async () =>
      logOf === undefined ? undefined : logs.read({ owner, repo, sha, function: logOf });
    try {
      if (await reporter.report(deployment, check, log, said.has(context))) written += 1;
      said.set(context, checkDigest(check));
    } catch (error) {
      failures.push(error);
      if (error instanceof CloudError && error.code === 'OFC_BUSY') break;
    }
  }
  if (failures.length > 0) throw failures[0];
  return written;
}
