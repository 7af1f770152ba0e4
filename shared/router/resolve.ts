import { parseHost } from './host.ts';
import type { Site } from './site.ts';
import { builderRoutes, findRoute, type SystemRoute, systemRoutes } from './system-routes.ts';
import { parseTarget } from './target.ts';

/** Where a request is to go, before the index and of-auth were asked. */
export type Resolution =
  | {
      readonly kind: 'system';
      readonly route: SystemRoute;
      /** Path of the forwarded request below `/function/<name>`, without the query. */
      readonly path: string;
      readonly query: string;
    }
  | {
      readonly kind: 'tenant';
      readonly label: string;
      readonly key: string;
      readonly path: string;
      readonly query: string;
    }
  | { readonly kind: 'health' }
  | { readonly kind: 'refused'; readonly status: RefusalStatus; readonly allow?: string };

/** The statuses with which a request is refused by its form alone. */
export type RefusalStatus = 400 | 404 | 405 | 414;

/** The methods that every OpenFaaS provider passes on. */
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * Deny by default: a request goes to a route of the table or to one function of one owner, and
 * everything else is refused. Pure; canonical form is settled once, here.
 *
 * @param host The visitor's host, as `Host` or `X-Forwarded-Host` gave it.
 * @param target The raw request target.
 */
export function resolve(
  site: Site,
  method: string,
  host: string | undefined,
  target: string,
): Resolution {
  const name = parseHost(host, site.domain);
  if (name.kind === 'malformed') return refused(400);
  const parsed = parseTarget(target);
  if (typeof parsed === 'number') return refused(parsed);
  if (name.kind === 'foreign') return refused(404);
  if (!methods.includes(method)) return refused(405, methods);
  const { first, tail, query } = parsed;
  if (name.kind === 'owner') {
    if (first === '') return refused(404);
    return { kind: 'tenant', label: name.label, key: first, path: tail, query };
  }
  const path = `/${first}${tail}`;
  if (path === '/healthz') {
    return method === 'GET' || method === 'HEAD'
      ? { kind: 'health' }
      : refused(405, ['GET', 'HEAD']);
  }
  const route = findRoute(name.kind === 'builder' ? builderRoutes : systemRoutes, path);
  if (route === undefined) return refused(404);
  if (!route.methods.includes(method)) return refused(405, route.methods);
  return { kind: 'system', route, path: route.sees === 'path' ? path : '/', query };
}

function refused(status: RefusalStatus, allowed?: readonly string[]): Resolution {
  return allowed === undefined
    ? { kind: 'refused', status }
    : { kind: 'refused', status, allow: allowed.join(', ') };
}
