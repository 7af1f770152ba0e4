import type { IncomingMessage } from 'node:http';
import type { CustomDomains } from '#shared/router/custom-domains.ts';
import type { FunctionIndex, IndexedFunction } from '#shared/router/function-index.ts';
import { type Asking, askAboutFunction, askAboutRoute } from '#shared/router/question.ts';
import type { Resolution } from '#shared/router/resolve.ts';
import type { Site } from '#shared/router/site.ts';

/** Where one request goes, once it is known. */
export interface Destination {
  readonly function: string;
  /** The tenant's function, if it is one. */
  readonly tenant?: IndexedFunction;
  /** The host that was called: canonical, with the site's port. */
  readonly host: string;
  /** What of-auth is asked; absent where it answers everyone itself. */
  readonly asking?: Asking;
  /** Path and query as the function sees them. */
  readonly path: string;
  /** `true`: of-auth, which handles the platform's cookies. */
  readonly keepCookies: boolean;
  /** The host is the function's own, not one of the platform's. */
  readonly isCustomDomain: boolean;
  /** How long the answer may take to begin, if not as long as usual. */
  readonly timeoutMs?: number | undefined;
}

/** What a resolution can be looked up in. */
export interface Directory {
  readonly site: Site;
  readonly index: FunctionIndex;
  readonly domains: CustomDomains;
}

type Located = Exclude<Resolution, { kind: 'refused' | 'health' }>;

/**
 * Finds what a resolved request is for; at once if it is known.
 *
 * @returns `undefined` if there is no such function.
 * @throws What the index throws, if the gateway cannot be asked.
 */
export function locate(
  directory: Directory,
  resolution: Located,
  request: IncomingMessage,
): Destination | undefined | Promise<Destination | undefined> {
  const { site, index } = directory;
  const { host, query } = resolution;
  const path = resolution.path + query;
  if (resolution.kind === 'sign-in') {
    return { function: 'of-auth', host, path, keepCookies: true, isCustomDomain: false };
  }
  if (resolution.kind === 'system') {
    const { route } = resolution;
    return {
      function: route.function,
      host,
      asking: askAboutRoute(site, host, route, request),
      path,
      keepCookies: route.cookies,
      isCustomDomain: false,
      timeoutMs: route.timeoutMs,
    };
  }
  const destination = (found: IndexedFunction | undefined): Destination | undefined =>
    found && {
      function: found.service,
      tenant: found,
      host,
      asking: askAboutFunction(site, host, found, request),
      path,
      keepCookies: false,
      isCustomDomain: resolution.kind === 'domain',
    };
  const hit =
    resolution.kind === 'domain'
      ? findByDomain(directory, resolution.domain)
      : index.find(resolution.label, resolution.key);
  return hit instanceof Promise ? hit.then(destination) : destination(hit);
}

/** How long a visitor waits for the first look at the proof of a custom domain. */
const lookMs = 3000;

function findByDomain(
  { index, domains }: Directory,
  domain: string,
): IndexedFunction | Promise<IndexedFunction | undefined> {
  const known = domains.find(domain);
  if (known !== undefined) {
    index.touch();
    return known;
  }
  return (async () => {
    await index.refresh();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, lookMs);
    });
    await Promise.race([domains.looked(domain), late]);
    clearTimeout(timer);
    return domains.find(domain);
  })();
}
