import { type FunctionKey, shortSha } from '../names.ts';
import type { DeploymentRecords, DeploymentState, FunctionState } from '../pipeline/states.ts';
import { claimName, deploymentState, functionState } from '../pipeline/states.ts';
import type { PublicUrls } from '../public-urls.ts';

/** What one entry of a commit's checks must say. */
export interface Check {
  /** Tells the checks of one deployment apart: `stack`, or `fn/<key>`. */
  readonly context: string;
  /** The name under which people see it. */
  readonly name: string;
  readonly title: string;
  readonly status: 'queued' | 'in_progress' | 'completed';
  /** Set if and only if it is completed. */
  readonly conclusion?: 'success' | 'failure' | 'neutral' | 'cancelled';
  /** Markdown: what happened, why, and what to do. */
  readonly summary: string;
  /** The summary in one line without markup, for places that take no more. */
  readonly description: string;
  readonly detailsUrl: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly completedAt?: number;
  /** The function whose build log belongs to it. */
  readonly logOf?: FunctionKey;
}

/** The name of the check for the stack as a whole, as in the original. */
export const stackContext = 'stack-deploy';

/** All checks of a deployment, from its records alone. */
export function deriveChecks(records: DeploymentRecords, urls: PublicUrls): Check[] {
  const { plan } = records;
  const functions = plan?.outcome === 'planned' ? plan.functions.map(({ key }) => key) : [];
  return [
    stackCheck(records, functions, urls),
    ...functions.map((key) => functionCheck(records, key, urls)),
  ];
}

type Stage = Pick<Check, 'status' | 'conclusion'>;

const stages: Readonly<Record<DeploymentState, Stage>> = {
  received: { status: 'queued' },
  planned: { status: 'in_progress' },
  building: { status: 'in_progress' },
  deploying: { status: 'in_progress' },
  live: { status: 'completed', conclusion: 'success' },
  failed: { status: 'completed', conclusion: 'failure' },
  superseded: { status: 'completed', conclusion: 'cancelled' },
  cancelled: { status: 'completed', conclusion: 'cancelled' },
  skipped: { status: 'completed', conclusion: 'neutral' },
};

function stackCheck(
  records: DeploymentRecords,
  functions: readonly FunctionKey[],
  urls: PublicUrls,
): Check {
  const { deployment, closed, plan } = records;
  const state = deploymentState(records);
  const reading = state === 'received' && records.claimed.has('plan');
  const now = reading ? 'The repo is being read.' : progress[state];
  const description = closed?.text ?? (plan?.outcome === 'failed' ? plan.text : now);
  const warnings = plan?.outcome === 'planned' ? plan.warnings : [];
  const rows = functions.map((key) => tableRow(records, key, urls));
  const summary = [
    asMarkdown(description),
    ...warnings.map((warning) => `Note: ${warning}`),
    ...(rows.length === 0 ? [] : [[...tableHead, ...rows].join('\n')]),
    `Commit ${shortSha(deployment.sha)} of ${deployment.branch}, deployment ${deployment.id}.`,
  ].join('\n\n');
  const at = closed?.at ?? (plan?.outcome === 'failed' ? plan.at : undefined);
  return {
    context: 'stack',
    name: stackContext,
    title: 'Deploy to OpenFaaS',
    ...(reading ? { status: 'in_progress' } : stages[state]),
    summary,
    description,
    detailsUrl: urls.home(),
    startedAt: deployment.receivedAt,
    ...(at === undefined ? {} : { completedAt: at }),
  };
}

const progress: Readonly<Record<DeploymentState, string>> = {
  received: 'The push was received.',
  planned: 'The repo was read; the builds are about to start.',
  building: 'The functions are being built.',
  deploying: 'The functions are being rolled out.',
  live: 'All functions are live.',
  failed: 'The deployment failed.',
  superseded: 'A newer push replaced this one.',
  cancelled: 'The deployment was cancelled.',
  skipped: 'This push is not built.',
};

const tableHead = ['| function | state | |', '|---|---|---|'];

function tableRow(records: DeploymentRecords, key: FunctionKey, urls: PublicUrls): string {
  const deploy = records.deploys.get(key);
  const link =
    deploy?.outcome === 'live'
      ? `[${deploy.url}](${deploy.url})`
      : `[log](${logUrl(records, key, urls)})`;
  return `| \`${key}\` | ${functionState(records, key)} | ${link} |`;
}

function functionCheck(records: DeploymentRecords, key: FunctionKey, urls: PublicUrls): Check {
  const state = functionState(records, key);
  const deploy = records.deploys.get(key);
  const build = records.builds.get(key);
  const log = logUrl(records, key, urls);
  const description = functionText(records, key, state);
  const live = deploy?.outcome === 'live' ? deploy.url : undefined;
  const stage = state === 'planned' ? { status: 'queued' as const } : stages[state];
  const finished = deploy ?? (build?.outcome === 'failed' ? build : undefined);
  const at = stage.status === 'completed' ? (finished?.at ?? records.closed?.at) : undefined;
  const cached = build?.outcome === 'built' && build.cached;
  const begun = !cached && (records.claimed.has(claimName('build', key)) || build !== undefined);
  return {
    context: `fn/${key}`,
    name: key,
    title: `Build ${key}`,
    ...stage,
    summary: [
      live === undefined ? asMarkdown(description) : `[${description}](${live})`,
      cached ? 'It is unchanged and was not built again.' : `The build log: ${log}`,
    ].join('\n\n'),
    description,
    detailsUrl: live ?? log,
    startedAt: records.deployment.receivedAt,
    ...(at === undefined ? {} : { completedAt: at }),
    ...(begun ? { logOf: key } : {}),
  };
}

/** What a compiler or a function wrote over several lines keeps them, whatever it holds. */
function asMarkdown(text: string): string {
  if (!text.includes('\n')) return text;
  const fences = text.match(/`{3,}/g) ?? [];
  const fence = '`'.repeat(Math.max(3, ...fences.map(({ length }) => length + 1)));
  return `${fence}text\n${text}\n${fence}`;
}

function functionText(records: DeploymentRecords, key: FunctionKey, state: FunctionState): string {
  const deploy = records.deploys.get(key);
  const build = records.builds.get(key);
  if (deploy?.outcome === 'live') return `Deployed: ${deploy.url}`;
  if (deploy?.outcome === 'failed') return `${deploy.text} (${deploy.code})`;
  if (build?.outcome === 'failed') return `${build.text} (${build.code})`;
  if (state === 'planned') return 'Waiting for a builder.';
  if (state === 'building') return 'The image is being built.';
  if (state !== 'deploying') return records.closed?.text ?? progress[state];
  const how = build?.cached === true ? 'was built before' : `was built in ${build?.seconds ?? 0} s`;
  return `The image ${how}; the new replica is starting.`;
}

function logUrl({ deployment }: DeploymentRecords, key: FunctionKey, urls: PublicUrls): string {
  const { owner, repo, sha } = deployment;
  return urls.log({ owner, repo, sha, function: key });
}
