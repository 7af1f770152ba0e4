import type { FunctionStatus } from '#shared/gateway/function-status.ts';
import type { Owner } from '#shared/names.ts';
import { belongsTo } from '#shared/pipeline/labels.ts';

/** What a function's owner gets to see of it; of its environment the names, never the values. */
export type ListedFunction = Pick<
  FunctionStatus,
  'name' | 'image' | 'invocationCount' | 'replicas' | 'availableReplicas'
> & {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly envProcess?: string;
  readonly namespace?: string;
  /** Names of variables. */
  readonly environment: readonly string[];
  /** Names of secrets. */
  readonly secrets: readonly string[];
  readonly limits: Readonly<Record<string, string>>;
};

/** The functions of one owner, as the original lists them: without the registry's host. */
export function listOfOwner(functions: readonly FunctionStatus[], owner: Owner): ListedFunction[] {
  return functions
    .filter((fn) => belongsTo(fn, owner))
    .map((fn) => ({
      name: fn.name,
      image: fn.image.slice(fn.image.indexOf('/') + 1),
      invocationCount: fn.invocationCount,
      replicas: fn.replicas,
      availableReplicas: fn.availableReplicas,
      labels: fn.labels ?? {},
      annotations: fn.annotations ?? {},
      environment: Object.keys(fn.envVars ?? {}).sort(),
      secrets: fn.secrets ?? [],
      limits: fn.limits ?? {},
      ...(fn.envProcess === undefined ? {} : { envProcess: fn.envProcess }),
      ...(fn.namespace === undefined ? {} : { namespace: fn.namespace }),
    }));
}
