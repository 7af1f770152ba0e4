import type { FunctionStatus } from '../gateway/function-status.ts';
import { labelValue } from '../names.ts';
import type { Deployment } from './deployment.ts';

const prefix = 'com.openfaas.cloud.';

/** The labels by which the platform knows a tenant's function again; most are the original's. */
export const cloudLabel = {
  cloud: `${prefix}git-cloud`,
  owner: `${prefix}git-owner`,
  ownerId: `${prefix}git-owner-id`,
  repo: `${prefix}git-repo`,
  repoId: `${prefix}git-repo-id`,
  branch: `${prefix}git-branch`,
  sha: `${prefix}git-sha`,
  scm: `${prefix}git-scm`,
  private: `${prefix}git-private`,
  deployTime: `${prefix}git-deploytime`,
  deployment: `${prefix}deployment`,
} as const;

/** The annotation with the owner's whole name, where a label cannot hold it (`group/sub`). */
const ownerAnnotation = `${prefix}git-owner`;

/** The annotation that says whose a function is, if the label alone does not. */
export function ownerAnnotations({ owner }: Pick<Deployment, 'owner'>): Record<string, string> {
  return labelValue(owner) === owner ? {} : { [ownerAnnotation]: owner };
}

/** Whose a function is; `undefined` if it is nobody's. */
export function ownerName(fn: Pick<FunctionStatus, 'labels' | 'annotations'>): string | undefined {
  const label = fn.labels?.[cloudLabel.owner];
  const whole = fn.annotations?.[ownerAnnotation];
  return whole !== undefined && labelValue(whole) === label ? whole : label;
}

/** The annotation that holds the repo's web address, too long for a label. */
export const repoUrlAnnotation = `${prefix}git-repo-url`;

/** The annotation that holds a digest of the function's sealed secrets: it changes when they do. */
export const secretsAnnotation = `${prefix}secrets`;

/** The labels of a function that `deployment` puts in place. `deployTime` is in Unix seconds. */
export function deploymentLabels(
  deployment: Deployment,
  deployTime: number,
): Record<string, string> {
  return {
    [cloudLabel.cloud]: '1',
    [cloudLabel.owner]: labelValue(deployment.owner),
    [cloudLabel.ownerId]: String(deployment.ownerId),
    [cloudLabel.repo]: labelValue(deployment.repo),
    [cloudLabel.repoId]: String(deployment.repoId),
    [cloudLabel.branch]: labelValue(deployment.branch),
    [cloudLabel.sha]: labelValue(deployment.sha),
    [cloudLabel.scm]: deployment.scm,
    [cloudLabel.private]: deployment.private ? '1' : '0',
    [cloudLabel.deployTime]: String(deployTime),
    [cloudLabel.deployment]: deployment.id,
  };
}

/** Whether a function was deployed for a tenant, and for this one. */
export function belongsTo(fn: Pick<FunctionStatus, 'labels'>, owner: string): boolean {
  const labels = fn.labels ?? {};
  return (
    labels[cloudLabel.cloud] === '1' &&
    labels[cloudLabel.owner]?.toLowerCase() === labelValue(owner).toLowerCase()
  );
}
