import * as v from 'valibot';
import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { createBuildLogs } from '#shared/build-log/build-logs.ts';
import { coalesce } from '#shared/coalesce.ts';
import { loadConfig, type Settings } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';
import { receiveMessage } from '#shared/messages/receive.ts';
import type { Signer } from '#shared/messages/signature.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { once } from '#shared/once.ts';
import { type DeploymentRef, deploymentRefSchema, refOf } from '#shared/pipeline/deployment.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import { signerSettings, storeSettings } from '#shared/platform-settings.ts';
import { publicUrlSettings } from '#shared/public-urls.ts';
import { createGithubApp } from '#shared/scm/github/app-client.ts';
import { createCheckRuns } from '#shared/scm/github/check-runs.ts';
import { createCommitStatuses } from '#shared/scm/github/commit-statuses.ts';
import { retryAfterSeconds } from '#shared/scm/github/github-error.ts';
import { type Reporting, reportDeployment } from './report-deployment.ts';

interface GithubStatus {
  readonly signer: Signer;
  /** Gives the number of entries written; `undefined`: the operator wants no reports. */
  readonly report: ((ref: DeploymentRef) => Promise<number>) | undefined;
}

const loaded = once(() => loadConfig(load));

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/** Brings the checks of a deployment's commit up to date. */
export default async (event: FunctionEvent, context: FunctionContext) => {
  const { signer, report } = loaded();
  if (event.method !== 'POST') throw new CloudError('OFC_METHOD', 'Only POST is supported.');
  const ref = receiveMessage(signer, 'github-status', event, deploymentRefSchema);
  if (report === undefined) return context.status(200).succeed('Reports are switched off.');
  try {
    const written = await report(ref);
    return context.status(200).succeed({ id: ref.id, written });
  } catch (error) {
    const seconds = retryAfterSeconds(error);
    if (seconds === undefined) throw error;
    const headers = { 'retry-after': String(seconds) };
    return context
      .status(429)
      .headers(headers)
      .succeed(`GitHub's rate limit is reached for ${seconds} s.`);
  }
};

function load(settings: Settings): GithubStatus {
  const signer = signerSettings(settings);
  if (!settings.flag('report_status', true)) return { signer, report: undefined };
  const store = createS3ObjectStore(storeSettings(settings));
  const app = createGithubApp({
    apiUrl: settings.url('github_api_url', 'https://api.github.com'),
    appId: settings.text('github_app_id'),
    privateKey: settings.secret(settings.text('private_key_filename', 'private-key')),
  });
  const reporter = settings.flag('use_checks', true)
    ? createCheckRuns({ app, store })
    : createCommitStatuses({ app, store });
  const urls = publicUrlSettings(settings);
  const logs = createBuildLogs(store);
  const reporting: Reporting = { records: createRecords(store), logs, urls, reporter };
  return { signer, report: coalesced(reporting, settings.duration('status_interval', '300ms')) };
}

/** A push of ten functions sends some thirty messages; what they are about is read once for many. */
function coalesced(
  reporting: Reporting,
  intervalMs: number,
): (ref: DeploymentRef) => Promise<number> {
  const report = coalesce(
    (key) => reportDeployment(reporting, v.parse(deploymentRefSchema, JSON.parse(key))),
    intervalMs,
  );
  return (ref) => report(JSON.stringify(refOf(ref)));
}
