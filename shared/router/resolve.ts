import { isTenantPath } from '../auth/tenant-paths.ts';
import { parseHost } from './host.ts';
import type { Site } from './site.ts';
import { builderRoutes, findRoute, type SystemRoute, systemRoutes } from './system-routes.ts';
import { parseTarget } from './target.ts';

/** Where a request is to go, before the index and of-auth were asked. */
export type Resolution =
  | {
      readonly kind: 'system';
      /** The host that was called: canonical, with the site's port. */
      readonly host: string;
      readonly route: SystemRoute;
      /** Path of the forwarded request below `/function/<name>`, without the query. */
      readonly path: string;
      readonly query: string;
    }
  | {
      readonly kind: 'tenant';
      readonly host: string;
      readonly label: string;
      readonly key: string;
      readonly path: string;
      readonly query: string;
    }
  /** One of of-auth's own paths on a host of an owner. */
  | {
      readonly kind: 'sign-in';
      readonly host: string;
      readonly path: string;
      readonly query: string;
    }
  /** A host that may be some function's own; the whole path is the function's. */
  | {
      readonly kind: 'domain';
      /** Without a port. */
      readonly domain: string;
      readonly host: string;
      readonly path: string;
      readonly query: string;
    }
  | { readonly kind: 'health' }
  | { readonly kind: 'refused'; readonly status: RefusalStatus; readonly allow?: string };

/** The statuses with which a request is refused by its form alone. */
export type RefusalStatus = 400 | 404 | 405 | 414;

const read = ['GET', 'HEAD'];
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
  const question = target.indexOf('?');
  const ownPath = question === -1 ? target : target.slice(0, question);
  if (name.kind === 'owner' && isTenantPath(ownPath)) {
    const query = parseTarget(`/${target.slice(ownPath.length)}`);
    if (typeof query === 'number') return refused(query);
    if (!read.includes(method)) return refused(405, read);
    return {
      kind: 'sign-in',
      host: ownerHost(site, name.label),
      path: ownPath,
      query: query.query,
    };
  }
  const parsed = parseTarget(target);
  if (typeof parsed === 'number') return refused(parsed);
  if (!methods.includes(method)) return refused(405, methods);
  const { first, tail, query } = parsed;
  if (name.kind === 'foreign') {
    const host = `${name.host}${site.port}`;
    return { kind: 'domain', domain: name.host, host, path: parsed.path, query };
  }
  if (first === undefined) return refused(404);
  if (name.kind === 'owner') {
    if (first === '') return refused(404);
    const { label } = name;
    return { kind: 'tenant', host: ownerHost(site, label), label, key: first, path: tail, query };
  }
  const path = `/${first}${tail}`;
  if (path === '/healthz') {
    return read.includes(method) ? { kind: 'health' } : refused(405, read);
  }
  const isBuilder = name.kind === 'builder';
  const route = findRoute(isBuilder ? builderRoutes : systemRoutes, path);
  if (route === undefined) return refused(404);
  if (!route.methods.includes(method)) return refused(405, route.methods);
  return {
    kind: 'system',
    host: isBuilder ? `builder.${site.systemHost}` : site.systemHost,
    route,
    path: route.sees === 'path' ? path : '/',
    query,
  };
}

function ownerHost({ domain, port }: Site, label: string): string {
  return `${label}.${domain}${port}`;
}

function refused(status: RefusalStatus, allowed?: readonly string[]): Resolution {
  return allowed === undefined
    ? { kind: 'refused', status }
    : { kind: 'refused', status, allow: allowed.join(', ') };
}
