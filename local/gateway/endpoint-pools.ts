import { LRUCache } from 'lru-cache';
import { Pool } from 'undici';
import type { Endpoint } from '../provider/provider.ts';

/** Connections to replicas that are kept for the next call. */
export interface EndpointPools {
  get(endpoint: Endpoint): Pool;
  close(): Promise<void>;
}

const maxPools = 512;

/** Makes {@link EndpointPools}. The pool used longest ago closes once its calls have ended. */
export function createEndpointPools(): EndpointPools {
  const pools = new LRUCache<string, Pool>({
    max: maxPools,
    dispose: (pool) => void pool.close().catch(() => undefined),
  });
  return {
    get(endpoint) {
      const key =
        'socketPath' in endpoint ? endpoint.socketPath : `${endpoint.host}:${endpoint.port}`;
      const known = pools.get(key);
      if (known !== undefined) return known;
      const pool =
        'socketPath' in endpoint
          ? new Pool('http://localhost', { socketPath: endpoint.socketPath })
          : new Pool(`http://${endpoint.host}:${endpoint.port}`);
      pools.set(key, pool);
      return pool;
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}
