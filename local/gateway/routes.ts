import type { IncomingMessage, ServerResponse } from 'node:http';

/** One request of the REST API. */
export interface RouteContext {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** What the route's pattern captured, or an empty text. */
  readonly name: string;
  readonly query: URLSearchParams;
}

/** Answers a request; what it throws becomes an error answer. */
export type RouteHandler = (context: RouteContext) => void | Promise<void>;

/** A path and what can be done with it. */
export interface Route {
  /** A path, or one with a name at its end that the first group captures. */
  readonly path: string | RegExp;
  /** Handlers by HTTP method; any other method is 405. */
  readonly methods: Readonly<Record<string, RouteHandler>>;
  /** Served to everyone; other routes need the gateway's credentials. */
  readonly open?: boolean;
}

/** The route of a path, with what its pattern captured. */
export function findRoute(
  routes: readonly Route[],
  path: string,
): { route: Route; name: string } | undefined {
  for (const route of routes) {
    if (typeof route.path === 'string') {
      if (route.path === path) return { route, name: '' };
      continue;
    }
    const found = route.path.exec(path);
    if (found !== null) return { route, name: found[1] ?? '' };
  }
  return undefined;
}
