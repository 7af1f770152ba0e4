import type { Settings } from '#shared/config.ts';
import type { GatewayConfig } from '#shared/gateway/gateway-client.ts';
import type { Signer } from '#shared/messages/signature.ts';
import { gatewaySettings, signerSettings } from '#shared/platform-settings.ts';
import type { Limit } from '#shared/router/limiter.ts';
import { parseSite, type Site } from '#shared/router/site.ts';

/** The router's configuration. */
export interface RouterConfig {
  readonly site: Site;
  readonly gateway: GatewayConfig;
  readonly signer: Signer;
  /** Which header names the visitor's host: the gateway's `X-Forwarded-Host`, or `Host` itself. */
  readonly hostSource: 'forwarded' | 'host';
  /** How many proxies before us append to `X-Forwarded-For`; 0 = believe none of it. */
  readonly trustedProxies: number;
  readonly timeoutMs: number;
  readonly indexRefreshMs: number;
  readonly authCacheMs: number;
  /** What this process lets an owner's functions and one client address have. */
  readonly limits: { readonly owner: Limit; readonly address: Limit };
  /** Asynchronous calls from outside a minute, for each owner; 0 = none. */
  readonly asyncQuota: number;
  /** TXT records, for custom domains; the system's resolver if absent. */
  readonly resolveTxt?: (name: string) => Promise<string[][]>;
}

/** Reads the router's variables and secrets; for `loadConfig`. */
export function readConfig(settings: Settings): RouterConfig {
  const workers = settings.parsed('workers', parseWorkers, '1');
  /** A limit's part for one worker; none stays none. */
  const share = (limit: number): number => Math.ceil(limit / workers);
  return {
    site: settings.parsed('gateway_pretty_url', parseSite),
    gateway: gatewaySettings(settings, { admin: true }),
    signer: signerSettings(settings),
    hostSource: settings.parsed('router_host_source', parseHostSource, 'forwarded'),
    trustedProxies: settings.integer('trusted_proxies', 1, { max: 10 }),
    timeoutMs: settings.duration('timeout', '60s'),
    indexRefreshMs: settings.duration('index_refresh', '1s'),
    authCacheMs: settings.duration('auth_cache', '5s'),
    limits: {
      owner: {
        perSecond: share(settings.integer('owner_rate', 2000, { max: 1_000_000 })),
        concurrency: share(settings.integer('owner_concurrency', 1000, { max: 1_000_000 })),
      },
      address: {
        perSecond: share(settings.integer('address_rate', 500, { max: 1_000_000 })),
        concurrency: share(settings.integer('address_concurrency', 250, { max: 1_000_000 })),
      },
    },
    asyncQuota: share(settings.integer('async_quota', 60, { max: 100_000 })),
  };
}

/** The runtime starts them, and tells each how many there are; of a single one "auto" is left. */
function parseWorkers(text: string): number {
  if (text === 'auto') return 1;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 64) return count;
  throw new Error(`workers is "${text}", not a whole number from 1 to 64, or "auto".`);
}

function parseHostSource(text: string): 'forwarded' | 'host' {
  if (text === 'forwarded' || text === 'host') return text;
  throw new Error(`router_host_source is "${text}", not "forwarded" or "host".`);
}
