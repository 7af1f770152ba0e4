import type { Octokit } from '@octokit/rest';
import { LRUCache } from 'lru-cache';
import { formatLog } from '../../build-log/format-log.ts';
import { CloudError } from '../../errors.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import type { Deployment } from '../../pipeline/deployment.ts';
import { checkDigest } from '../check-digest.ts';
import {
  type CheckRunRecords,
  createCheckRunRecords,
  type RunRecord,
} from '../check-run-records.ts';
import type { Check } from '../check-state.ts';
import type { Reporter } from '../reporter.ts';
import type { GithubApp } from './app-client.ts';
import { repoPath } from './repo-path.ts';

/** GitHub's limit for the summary of a check. */
const maxSummary = 65_535;

/** How long somebody may take to create a check run before another may. */
const staleMs = 60_000;

interface CheckRunsConfig {
  readonly app: GithubApp;
  readonly store: ObjectStore;
  /** How long to wait for a check run that another call is creating. */
  readonly waitMs?: number;
}

/**
 * Reports as check runs: one for each context of a deployment, created once and updated in place.
 *
 * @see https://docs.github.com/en/rest/checks/runs
 */
export function createCheckRuns({ app, store, waitMs = 3_000 }: CheckRunsConfig): Reporter {
  /** What this process said last: saves a look into the store for most of what comes. */
  const said = new LRUCache<string, RunRecord>({ max: 5000 });
  return {
    async report(deployment, check, log, again) {
      const { installationId, repoId } = deployment;
      if (installationId === undefined) return false;
      const runs = createCheckRunRecords(store, deployment);
      const reported = checkDigest(check);
      const name = `${deployment.id}/${check.context}`;
      const ours = said.get(name);
      // Another process can have written over what we said. It repairs that itself, unless it dies; so
      // that it is the right end at least, ends are looked up.
      const isSure =
        ours !== undefined && (ours.reported !== reported || check.status !== 'completed');
      const known = isSure ? ours : await runs.get(check.context);
      if (known?.reported === reported && !again) return false;
      const text = check.status === 'completed' ? await log() : undefined;
      const fields = checkFields(check, text);
      return app.act({ installationId, repoId }, { checks: 'write' }, async (octokit) => {
        const github = checkRunCalls(octokit, deployment, check);
        const id = known?.id ?? (await existing(runs, github, check.context, waitMs));
        if (id !== undefined) await github.update(id, fields);
        const run = id ?? (await createOnce(runs, check.context, () => github.create(fields)));
        await runs.put(check.context, { id: run, reported });
        said.set(name, { id: run, reported });
        return true;
      });
    },
  };
}

/** The id of a check run that somebody else made, or is making; `undefined` if it is ours to make. */
async function existing(
  runs: CheckRunRecords,
  github: CheckRunCalls,
  context: string,
  waitMs: number,
): Promise<number | undefined> {
  const claim = await runs.claim(context, staleMs);
  if (claim === 'won') return undefined;
  const id = (await runs.wait(context, claim === 'held' ? waitMs : 0))?.id ?? (await github.find());
  if (id !== undefined || claim === 'taken') return id;
  throw new CloudError('OFC_BUSY', `Another call is creating the check run ${context}.`);
}

async function createOnce(
  runs: CheckRunRecords,
  context: string,
  create: () => Promise<number>,
): Promise<number> {
  try {
    return await create();
  } catch (error) {
    await runs.releaseClaim(context);
    throw error;
  }
}

type CheckFields = ReturnType<typeof checkFields>;

function checkFields(check: Check, log: Buffer | undefined) {
  const { status, conclusion, title, detailsUrl, completedAt } = check;
  return {
    status,
    ...(conclusion === undefined ? {} : { conclusion }),
    details_url: detailsUrl,
    started_at: new Date(check.startedAt).toISOString(),
    ...(completedAt === undefined ? {} : { completed_at: new Date(completedAt).toISOString() }),
    output: {
      title,
      summary: check.summary.slice(0, maxSummary),
      ...(log === undefined ? {} : { text: formatLog(log) }),
    },
  };
}

interface CheckRunCalls {
  create(fields: CheckFields): Promise<number>;
  update(id: number, fields: CheckFields): Promise<void>;
  find(): Promise<number | undefined>;
}

function checkRunCalls(octokit: Octokit, deployment: Deployment, check: Check): CheckRunCalls {
  const path = repoPath(deployment);
  const external_id = `${deployment.id}/${check.context}`;
  return {
    async create(fields) {
      const named = { ...path, name: check.name, head_sha: deployment.sha, external_id };
      return (await octokit.rest.checks.create({ ...named, ...fields })).data.id;
    },
    async update(id, fields) {
      await octokit.rest.checks.update({ ...path, check_run_id: id, ...fields });
    },
    async find() {
      const query = {
        ...path,
        ref: deployment.sha,
        check_name: check.name,
        filter: 'all',
      } as const;
      const { data } = await octokit.rest.checks.listForRef({ ...query, per_page: 100 });
      return data.check_runs.find((run) => run.external_id === external_id)?.id;
    },
  };
}
