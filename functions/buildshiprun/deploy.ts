import type { FunctionDeployment, FunctionStatus } from '#shared/gateway/function-status.ts';
import type { GatewayClient } from '#shared/gateway/gateway-client.ts';
import { parseRepoName } from '#shared/names.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import { parseDeploymentId } from '#shared/pipeline/deployment.ts';
import { cloudLabel } from '#shared/pipeline/labels.ts';
import type { Records } from '#shared/pipeline/records.ts';
import type { PublicUrls } from '#shared/public-urls.ts';
import type { Advancing } from './advance.ts';
import { functionDeployment, type TenantLimits } from './function-deployment.ts';
import { rollOut } from './roll-out.ts';

interface DeployConfig {
  readonly gateway: GatewayClient;
  readonly records: Records;
  readonly urls: PublicUrls;
  readonly limits: TenantLimits;
  readonly timeoutMs: number;
}

/** Makes the deploy step of {@link Advancing}. */
export function createDeploy(config: DeployConfig): Advancing['deploy'] {
  const { gateway, urls, limits, timeoutMs } = config;
  return async ({ deployment }, fn, image) => {
    const earlierSpec = (running: FunctionStatus) => specOfEarlier(config, deployment, running);
    const spec = functionDeployment(deployment, fn, image, limits);
    await rollOut({ gateway, timeoutMs, earlierSpec }, deployment, spec);
    return urls.function(deployment.owner, fn.key);
  };
}

/**
 * What put the running function in place, from our own records: a gateway does not tell everything
 * that it was given (contract: OpenFaaS CE hides environment and constraints).
 */
async function specOfEarlier(
  { records, limits }: DeployConfig,
  { owner }: Deployment,
  running: FunctionStatus,
): Promise<FunctionDeployment | undefined> {
  const labels = running.labels ?? {};
  const id = labels[cloudLabel.deployment];
  const repo = labels[cloudLabel.repo];
  if (id === undefined || repo === undefined) return undefined;
  const earlier = await records.load({
    owner,
    repo: parseRepoName(repo),
    id: parseDeploymentId(id),
  });
  if (earlier?.plan?.outcome !== 'planned') return undefined;
  const fn = earlier.plan.functions.find(({ service }) => service === running.name);
  if (fn === undefined || running.image === '') return undefined;
  return functionDeployment(earlier.deployment, fn, running.image, limits);
}
