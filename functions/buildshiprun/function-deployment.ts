import type { FunctionDeployment, Resources } from '#shared/gateway/function-status.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import {
  deploymentLabels,
  ownerAnnotations,
  repoUrlAnnotation,
  secretsAnnotation,
} from '#shared/pipeline/labels.ts';
import type { PlannedFunction } from '#shared/pipeline/plan.ts';

/** What the operator lets a tenant's function have. */
export interface TenantLimits {
  readonly memory: string;
  readonly cpu: string | undefined;
  readonly cpuRequest: string | undefined;
  readonly readOnlyRootFilesystem: boolean;
  readonly scaleMin: number;
  readonly scaleMax: number;
  readonly scaleFactor: number;
  /** Whether functions may scale to zero; OpenFaaS CE on Kubernetes refuses the label for it. */
  readonly scaleToZero: boolean;
}

/** Annotations that a tenant may set: triggers, health checks, and what of-router reads. */
const allowedAnnotations = new Set([
  'topic',
  'schedule',
  'com.openfaas.health.http.path',
  'com.openfaas.health.http.initialDelay',
  'com.openfaas.health.http.initialDelaySeconds',
  'com.openfaas.health.http.periodSeconds',
  'com.openfaas.ready.http.path',
  'com.openfaas.ready.http.initialDelaySeconds',
  'com.openfaas.ready.http.periodSeconds',
  'com.openfaas.cloud.auth',
  'com.openfaas.cloud.async',
  'com.openfaas.cloud.custom-domain',
]);

/**
 * What the gateway is asked to run for one function. Derived from the records alone, so that an
 * earlier deployment's function can be put back the same way.
 */
export function functionDeployment(
  deployment: Deployment,
  fn: PlannedFunction,
  image: string,
  limits: TenantLimits,
): FunctionDeployment {
  const requests: Resources = limits.cpuRequest === undefined ? {} : { cpu: limits.cpuRequest };
  return {
    service: fn.service,
    image,
    ...(fn.envProcess === undefined ? {} : { envProcess: fn.envProcess }),
    envVars: fn.environment,
    constraints: fn.constraints,
    secrets: fn.secrets,
    labels: {
      ...scaleLabels(fn, limits),
      ...deploymentLabels(deployment, Math.floor(deployment.receivedAt / 1000)),
      faas_function: fn.service,
      app: fn.service,
    },
    annotations: {
      ...Object.fromEntries(
        Object.entries(fn.annotations).filter(([name]) => allowedAnnotations.has(name)),
      ),
      ...ownerAnnotations(deployment),
      [repoUrlAnnotation]: deployment.repoUrl,
      ...(fn.secretsVersion !== undefined && { [secretsAnnotation]: fn.secretsVersion }),
    },
    limits: { memory: limits.memory, ...(limits.cpu === undefined ? {} : { cpu: limits.cpu }) },
    requests,
    readOnlyRootFilesystem: limits.readOnlyRootFilesystem,
  };
}

/** Scaling is the operator's; a tenant may only keep a function from scaling to zero. */
function scaleLabels(fn: PlannedFunction, limits: TenantLimits): Record<string, string> {
  const stays = !limits.scaleToZero || fn.labels['com.openfaas.scale.zero'] === 'false';
  return {
    'com.openfaas.scale.min': String(limits.scaleMin),
    'com.openfaas.scale.max': String(limits.scaleMax),
    'com.openfaas.scale.factor': String(limits.scaleFactor),
    'com.openfaas.scale.zero': String(!stays),
  };
}
