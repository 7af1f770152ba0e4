import type { DeploymentRecords } from './states.ts';

/** A moment of a deployment, counted from the webhook. */
export interface Moment {
  readonly ms: number;
  readonly what: string;
}

/** What happened when, from a closed deployment's records. */
export function timeLine({
  deployment,
  plan,
  builds,
  deploys,
  closed,
}: DeploymentRecords): Moment[] {
  const since = (at: number) => at - deployment.receivedAt;
  const sha = deployment.sha.slice(0, 7);
  const began = {
    push: `push of ${sha} received`,
    'roll-back': `roll-back to ${sha} asked for`,
    redeploy: `redeployment of ${sha} asked for`,
  }[deployment.origin?.kind ?? 'push'];
  const moments: Moment[] = [{ ms: 0, what: began }];
  if (plan !== undefined) moments.push({ ms: since(plan.at), what: `plan: ${plan.outcome}` });
  for (const [key, build] of builds) {
    const how = build.outcome === 'built' && build.cached ? 'built before' : build.outcome;
    moments.push({ ms: since(build.at), what: `${key}: ${how}` });
  }
  for (const [key, deploy] of deploys) {
    moments.push({ ms: since(deploy.at), what: `${key}: ${deploy.outcome}` });
  }
  if (closed !== undefined) moments.push({ ms: since(closed.at), what: `stack: ${closed.state}` });
  return moments.sort((a, b) => a.ms - b.ms);
}

/** {@link timeLine} for a terminal, a line each. */
export function formatTimeLine(moments: readonly Moment[]): string {
  return moments.map(({ ms, what }) => `  ${String(ms).padStart(6)} ms  ${what}`).join('\n');
}
