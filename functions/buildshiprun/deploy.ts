import type { FunctionDeployment, FunctionStatus } from '#shared/gateway/function-status.ts';
import type { GatewayClient } from '#shared/gateway/gateway-client.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import { belongsTo, cloudLabel } from '#shared/pipeline/labels.ts';
import { isNewestHead, type Records } from '#shared/pipeline/records.ts';
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
    const url = urls.function(deployment.owner, fn.key);
    const earlierSpec = (running: FunctionStatus) => specOfEarlier(config, deployment, running);
    const spec = functionDeployment(deployment, fn, image, limits);
    const isNewest = () => isNewestHead(config.records, deployment);
    const { handler } = fn;
    await rollOut({ gateway, timeoutMs, handler, earlierSpec, isNewest }, deployment, spec);
    return url;
  };
}

/** Makes {@link Advancing.isLive}. */
export function createIsLive(gateway: Pick<GatewayClient, 'get'>): Advancing['isLive'] {
  return async ({ deployment: { owner, repoId } }, { service }) => {
    const running = await gateway.get(service);
    if (running === undefined || !belongsTo(running, owner)) return false;
    return (running.labels?.[cloudLabel.repoId] ?? String(repoId)) === String(repoId);
  };
}

/**
 * What put the running function in place, from our own records: a gateway does not tell everything
 * that it was given (contract: OpenFaaS CE hides environment and constraints).
 */
async function specOfEarlier(
  { records, limits }: DeployConfig,
  { owner, repo, id }: Deployment,
  running: FunctionStatus,
): Promise<FunctionDeployment | undefined> {
  const runningId = running.labels?.[cloudLabel.deployment];
  const resumed = runningId === id;
  const refs = await records.deploymentsOf(owner, repo);
  const candidates = refs.filter((ref) => (resumed ? ref.id < id : ref.id === runningId));
  for (const ref of candidates.reverse()) {
    const earlier = await records.load(ref);
    if (earlier?.plan?.outcome !== 'planned') continue;
    const fn = earlier.plan.functions.find(({ service }) => service === running.name);
    const build = fn && earlier.builds.get(fn.key);
    if (fn === undefined || build?.outcome !== 'built') continue;
    if (resumed && earlier.deploys.get(fn.key)?.outcome !== 'live') continue;
    return functionDeployment(earlier.deployment, fn, build.image, limits);
  }
  return undefined;
}
