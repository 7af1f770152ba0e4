/**
 * Who may call what from outside, in one table: host, path, who. What is not in it does not exist,
 * so a new function is closed until somebody opens it.
 *
 * @module
 */
import { builderRoutes, systemRoutes } from '../router/system-routes.ts';
import { tenantPaths } from './tenant-paths.ts';

/**
 * - `anyone`
 * - `signed-in`: a customer who is signed in
 * - `members`: who belongs to the owner of the function, or is it
 * - `owner`: the owner of the function; of an organisation's, who owns the organisation
 * - `operator`: who runs the platform
 * - `platform`: other functions of the platform, by their signature; never a visitor
 */
export type Who = 'anyone' | 'signed-in' | 'members' | 'owner' | 'operator' | 'platform';

/**
 * `system` is `system.<domain>`, `builder` `builder.system.<domain>`, `owner` any host of an owner,
 * `gateway` the cluster's inside.
 */
export type PolicyHost = 'system' | 'builder' | 'owner' | 'gateway';

/** One row. */
export interface RoutePolicy {
  readonly host: PolicyHost;
  /** A path, or with a slash at its end everything below it. `<function>` stands for any. */
  readonly path: string;
  /** `annotation`: what the function's {@link authAnnotation} says. */
  readonly who: Who | 'annotation';
}

/** The annotation with which a tenant protects a function. */
export const authAnnotation = 'com.openfaas.cloud.auth';

/** What {@link authAnnotation} may say. */
export const protections: ReadonlyMap<string, Who> = new Map([
  ['public', 'anyone'],
  ['customers', 'signed-in'],
  ['members', 'members'],
  ['owner', 'owner'],
]);

/** The whole table; the rows of the platform's hosts stand in the router's, as `who`. */
export const routePolicies: readonly RoutePolicy[] = [
  ...systemRoutes.map(({ path, who }) => ({ host: 'system', path, who }) as const),
  ...builderRoutes.map(({ path, who }) => ({ host: 'builder', path, who }) as const),
  ...Object.values(tenantPaths).map((path) => ({ host: 'owner', path, who: 'anyone' }) as const),
  { host: 'owner', path: '/<function>', who: 'annotation' },
  { host: 'gateway', path: '/q/', who: 'platform' },
];

/** Who may use a route of the platform's hosts, by its `path`; `undefined`: there is no such route. */
export function whoMayUseRoute(host: PolicyHost, path: string): Who | undefined {
  const row = routePolicies.find((policy) => policy.host === host && policy.path === path);
  return row === undefined || row.who === 'annotation' ? undefined : row.who;
}

/**
 * Who may call a tenant's function, by its annotation; `undefined` stands for none. What cannot be
 * understood protects as much as anything can.
 */
export function whoMayCallFunction(protection: string | undefined): Who {
  if (protection === undefined) return 'anyone';
  return protections.get(protection.trim().toLowerCase()) ?? 'owner';
}
