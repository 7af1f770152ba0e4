/**
 * Who may call what from outside, in one table. The router asks about a resource; what is not in the
 * table is restricted, so a new function is closed until somebody opens it here.
 *
 * @module
 */

/** `public`: everyone. `protected`: who is signed in. `restricted`: no one. */
export type RoutePolicy = 'public' | 'protected' | 'restricted';

const systemPolicies: ReadonlyMap<string, RoutePolicy> = new Map([
  ['of-auth', 'public'],
  ['github-event', 'public'],
  // Through builder.system.<domain> only; it checks the signature of each build itself.
  ['of-builder', 'public'],
  ['pipeline-log', 'protected'],
  ['list-functions', 'protected'],
  ['function-logs', 'protected'],
  ['system-metrics', 'protected'],
]);

/** The resource name of a platform function. */
export function systemResource(functionName: string): string {
  return `system/${functionName}`;
}

/** The resource name of a tenant's function, by its deployed name. */
export function tenantResource(service: string): string {
  return `tenant/${service}`;
}

/** The policy of a resource; anything malformed or unknown is `restricted`. */
export function policyOf(resource: string): RoutePolicy {
  const [, kind, name = ''] = /^(system|tenant)\/([a-z0-9-]{1,63})$/.exec(resource) ?? [];
  if (kind === 'tenant') return 'public';
  return kind === 'system' ? (systemPolicies.get(name) ?? 'restricted') : 'restricted';
}
