import * as v from 'valibot';
import { type Addresses, accountJson, appJson, type Json, nodeId } from './github-shapes.ts';
import { HttpError } from './http-error.ts';
import type { Account, Repo } from './repo-store.ts';
import { time, validate, webAddress } from './validate.ts';

/** The states of a check run. */
export const checkStatuses = [
  'queued',
  'in_progress',
  'completed',
  'waiting',
  'requested',
  'pending',
] as const;
/** How a check run can end. */
export const checkConclusions = [
  'action_required',
  'cancelled',
  'failure',
  'neutral',
  'success',
  'skipped',
  'timed_out',
] as const;

const maxText = 65_535;
const text = v.pipe(v.string(), v.maxLength(maxText, `is over ${maxText} characters`));
const output = v.object({
  title: v.nullish(v.pipe(v.string(), v.maxLength(255)), null),
  summary: text,
  text: v.nullish(text, null),
  annotations: v.optional(v.pipe(v.array(v.record(v.string(), v.unknown())), v.maxLength(50)), []),
});

const optionalFields = {
  details_url: v.optional(webAddress),
  external_id: v.optional(v.pipe(v.string(), v.maxLength(255))),
  status: v.optional(v.picklist(checkStatuses)),
  conclusion: v.optional(v.picklist(checkConclusions)),
  started_at: v.optional(time),
  completed_at: v.optional(time),
  output: v.optional(output),
  actions: v.optional(v.pipe(v.array(v.unknown()), v.maxLength(3))),
};
const name = v.pipe(v.string(), v.nonEmpty(), v.maxLength(255));
const createSchema = v.object({
  name,
  head_sha: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/)),
  ...optionalFields,
});
const updateSchema = v.object({ name: v.optional(name), ...optionalFields });

/** What the server keeps of a check run. */
export interface CheckRun {
  readonly id: number;
  readonly name: string;
  readonly headSha: string;
  readonly externalId: string;
  readonly detailsUrl: string | null;
  readonly status: (typeof checkStatuses)[number];
  readonly conclusion: (typeof checkConclusions)[number] | null;
  readonly startedAt: string;
  readonly completedAt: string | null;
  readonly output: {
    readonly title: string | null;
    readonly summary: string | null;
    readonly text: string | null;
    readonly annotations: readonly unknown[];
  };
}

type CheckFields = v.InferOutput<typeof updateSchema>;

/**
 * Reads the body of "create a check run".
 *
 * @see https://docs.github.com/en/rest/checks/runs#create-a-check-run
 * @throws HttpError 422
 */
export function parseNewCheckRun(body: unknown): (id: number) => CheckRun {
  const fields = validate(createSchema, body, 'CheckRun');
  requireConclusion(fields);
  return (id) =>
    applied(fields, {
      id,
      name: fields.name,
      headSha: fields.head_sha,
      externalId: '',
      detailsUrl: null,
      status: 'queued',
      conclusion: null,
      startedAt: now(),
      completedAt: null,
      output: { title: null, summary: null, text: null, annotations: [] },
    });
}

/**
 * Reads the body of "update a check run"; what it leaves out stays.
 *
 * @throws HttpError 422
 */
export function parseCheckRunUpdate(body: unknown): (run: CheckRun) => CheckRun {
  const fields = validate(updateSchema, body, 'CheckRun');
  requireConclusion(fields);
  return (run) => applied(fields, run);
}

function requireConclusion({ status, conclusion }: CheckFields): void {
  if (status !== 'completed' || conclusion !== undefined) return;
  const message = 'A completed check run needs a conclusion.';
  throw new HttpError(422, 'Validation Failed', [
    { resource: 'CheckRun', field: 'conclusion', code: 'missing_field', message },
  ]);
}

function applied(fields: CheckFields, run: CheckRun): CheckRun {
  // A conclusion completes a run, whatever else is said.
  const status = fields.conclusion === undefined ? (fields.status ?? run.status) : 'completed';
  const isDone = status === 'completed';
  return {
    ...run,
    name: fields.name ?? run.name,
    externalId: fields.external_id ?? run.externalId,
    detailsUrl: fields.details_url ?? run.detailsUrl,
    status,
    conclusion: isDone ? (fields.conclusion ?? run.conclusion) : null,
    startedAt: fields.started_at ?? run.startedAt,
    completedAt: isDone ? (fields.completed_at ?? run.completedAt ?? now()) : null,
    output:
      fields.output === undefined
        ? run.output
        : {
            ...fields.output,
            annotations: [...run.output.annotations, ...fields.output.annotations],
          },
  };
}

/** The newest run of each name, which is what GitHub shows. */
export function latestByName(runs: readonly CheckRun[]): CheckRun[] {
  const newest = new Map(runs.map((run) => [run.name, run]));
  return runs.filter((run) => newest.get(run.name) === run);
}

/** A check run as the API shows it. */
export function checkRunJson(
  run: CheckRun,
  repo: Repo,
  owner: Account,
  appId: number,
  at: Addresses,
): Json {
  const full = `${owner.login}/${repo.name}`;
  const url = `${at.api}/repos/${full}/check-runs/${run.id}`;
  const { title, summary, text: details, annotations } = run.output;
  return {
    id: run.id,
    node_id: nodeId('CheckRun', run.id),
    name: run.name,
    head_sha: run.headSha,
    external_id: run.externalId,
    url,
    html_url: `${at.html}/${full}/commit/${run.headSha}#run-${run.id}`,
    details_url: run.detailsUrl ?? `${at.html}/${full}/commit/${run.headSha}#run-${run.id}`,
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    output: {
      title,
      summary,
      text: details,
      annotations_count: annotations.length,
      annotations_url: `${url}/annotations`,
    },
    check_suite: { id: repo.id },
    app: { ...appJson(appId, at), owner: accountJson(owner, at) },
    pull_requests: [],
  };
}

function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}
