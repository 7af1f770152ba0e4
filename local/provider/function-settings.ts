import { secretsAnnotation } from '#shared/pipeline/labels.ts';
import type { FunctionSpec } from './provider.ts';
import { parseMemory } from './quantity.ts';

/** More would only be a mistake on one machine. */
export const maxReplicas = 20;

/** How many replicas a function has once it is up: `com.openfaas.scale.min`, at least one. */
export function replicasWhenUp(spec: FunctionSpec): number {
  const min = Number(spec.labels['com.openfaas.scale.min'] ?? '1');
  return Number.isInteger(min) ? Math.min(Math.max(1, min), maxReplicas) : 1;
}

/** Whether an idle function is stopped: always, unless `com.openfaas.scale.zero` is `false`. */
export function scalesToZero(spec: FunctionSpec): boolean {
  return spec.labels['com.openfaas.scale.zero'] !== 'false';
}

/** The memory limit in bytes; `fallback` if there is none or it cannot be read. */
export function memoryLimit(spec: FunctionSpec, fallback: number): number {
  const limit = spec.limits?.memory;
  return (limit === undefined ? undefined : parseMemory(limit)) ?? fallback;
}

/**
 * Two specs with the same key need no new process: only labels or annotations differ. A replica gets
 * its secrets when it starts, so one with other values is another.
 */
export function processKey(spec: FunctionSpec, imageDigest: string): string {
  return JSON.stringify([
    imageDigest,
    Object.entries(spec.envVars).sort(([a], [b]) => (a < b ? -1 : 1)),
    spec.envProcess ?? '',
    [...spec.secrets].sort(),
    spec.annotations[secretsAnnotation] ?? '',
    spec.limits?.memory ?? '',
    spec.readOnlyRootFilesystem,
    spec.namespace,
  ]);
}
