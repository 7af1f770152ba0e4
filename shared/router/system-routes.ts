import type { Who } from '../auth/route-policy.ts';

/** A way into the platform from outside; everything that is not listed does not exist. */
export interface SystemRoute {
  readonly path: string;
  /** `true`: also everything below `path`, which then ends with a slash. */
  readonly below: boolean;
  readonly methods: readonly string[];
  readonly function: string;
  readonly who: Who;
  /** What the function sees: `/`, or the path as the visitor wrote it. */
  readonly sees: 'root' | 'path';
  /** `true`: the function reads the platform's cookies itself. */
  readonly cookies: boolean;
  /** How long its answer may take to begin, where the router's own limit is too short. */
  readonly timeoutMs?: number;
}

const root = { below: false, sees: 'root', cookies: false } as const;
const read = ['GET', 'HEAD'] as const;
const signedIn = { ...root, methods: read, who: 'signed-in' } as const;

/** All routes of `system.<domain>`. of-auth decides by `who`. */
export const systemRoutes: readonly SystemRoute[] = [
  { ...root, path: '/', methods: read, function: 'of-auth', who: 'anyone', cookies: true },
  {
    path: '/auth/',
    below: true,
    methods: [...read, 'POST'],
    function: 'of-auth',
    who: 'anyone',
    sees: 'path',
    cookies: true,
  },
  // GitHub shows the answer to GET after an installation of the App.
  {
    ...root,
    path: '/github-event',
    methods: ['GET', 'POST'],
    function: 'github-event',
    who: 'anyone',
  },
  { ...root, path: '/gitlab-event', methods: ['POST'], function: 'gitlab-event', who: 'anyone' },
  { ...root, path: '/gitea-event', methods: ['POST'], function: 'gitea-event', who: 'anyone' },
  // The key to seal secrets with, one for each owner.
  { ...root, path: '/publickey', methods: read, function: 'import-secrets', who: 'anyone' },
  { ...signedIn, path: '/pipeline-log', function: 'pipeline-log' },
  { ...signedIn, path: '/list-functions', function: 'list-functions' },
  { ...signedIn, path: '/function-logs', function: 'function-logs' },
  { ...signedIn, path: '/system-metrics', function: 'system-metrics' },
  { ...signedIn, path: '/dashboard', function: 'dashboard', sees: 'path' },
  {
    ...signedIn,
    path: '/dashboard/',
    below: true,
    methods: [...read, 'POST'],
    function: 'dashboard',
    sees: 'path',
  },
  // Public for public repos: the dashboard says which.
  {
    path: '/badge/',
    below: true,
    methods: read,
    function: 'dashboard',
    who: 'anyone',
    sees: 'path',
    cookies: false,
  },
  { ...root, path: '/doctor', methods: read, function: 'doctor', who: 'operator' },
];

const builder = {
  below: false,
  sees: 'path',
  function: 'of-builder',
  who: 'anyone',
  cookies: false,
} as const;

/**
 * All routes of `builder.system.<domain>`, the base URL for `faas-cli publish --remote-builder`. A build
 * is signed by its sender and may answer when it is over, so the wait for it is long.
 */
export const builderRoutes: readonly SystemRoute[] = [
  { ...builder, path: '/build', methods: ['POST'], timeoutMs: 15 * 60_000 },
  { ...builder, path: '/publickey', methods: read },
];

/** The route of a path that `parseTarget` accepted. */
export function findRoute(routes: readonly SystemRoute[], path: string): SystemRoute | undefined {
  return routes.find((route) => (route.below ? path.startsWith(route.path) : path === route.path));
}
