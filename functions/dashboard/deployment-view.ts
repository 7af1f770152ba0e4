import { parseTraceparent } from '#shared/observe/trace-context.ts';
import { type DeploymentRecords, deploymentState, functionState } from '#shared/pipeline/states.ts';
import { timeLine } from '#shared/pipeline/time-line.ts';
import type { PublicUrls } from '#shared/public-urls.ts';
import { deriveChecks } from '#shared/scm/check-state.ts';
import type { DeployedFunction, DeploymentDetail, DeploymentRow } from './api/schemas.ts';

/** A deployment as a list shows it. */
export function deploymentRow(records: DeploymentRecords): DeploymentRow {
  const { deployment, closed, plan } = records;
  const failedPlan = plan?.outcome === 'failed' ? plan : undefined;
  return {
    owner: deployment.owner,
    repo: deployment.repo,
    id: deployment.id,
    branch: deployment.branch,
    sha: deployment.sha,
    pusher: deployment.pusher,
    origin: deployment.origin ? { kind: deployment.origin.kind, of: deployment.origin.of } : null,
    receivedAt: deployment.receivedAt,
    state: deploymentState(records),
    text: closed?.text ?? failedPlan?.text ?? null,
    endedAt: closed?.at ?? null,
  };
}

/** A deployment with its functions and steps. Texts are those of the commit's checks. */
export function deploymentDetail(records: DeploymentRecords, urls: PublicUrls): DeploymentDetail {
  const { deployment, plan } = records;
  const checks = new Map(deriveChecks(records, urls).map((check) => [check.context, check]));
  const planned = plan?.outcome === 'planned' ? plan : undefined;
  const functions = (planned?.functions ?? []).map(({ key }): DeployedFunction => {
    const deploy = records.deploys.get(key);
    const build = records.builds.get(key);
    const check = checks.get(`fn/${key}`);
    return {
      name: key,
      state: functionState(records, key),
      text: check?.description ?? '',
      url: deploy?.outcome === 'live' ? deploy.url : null,
      cached: build?.outcome === 'built' && build.cached,
      hasLog: check?.logOf !== undefined,
    };
  });
  return {
    ...deploymentRow(records),
    repoUrl: deployment.repoUrl,
    traceId: parseTraceparent(deployment.trace)?.traceId ?? null,
    warnings: planned?.warnings ?? [],
    functions,
    steps: timeLine(records),
  };
}
