import { join } from 'node:path';
import { CloudError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { FunctionPool, type PoolImage } from './function-pool.ts';
import { scalesToZero } from './function-settings.ts';
import { type FunctionLogFile, openFunctionLog } from './log-store.ts';
import type { Replica, ReplicaPlan } from './pool-member.ts';
import {
  type FunctionSpec,
  functionId,
  type LogLine,
  type LogQuery,
  type Provider,
} from './provider.ts';
import { findSecret, type ReadSecret } from './replica-folders.ts';

/** Settings that providers share. */
export interface PoolProviderOptions {
  /** Where logs, and what else a provider keeps, lie. */
  readonly folder: string;
  readonly readSecret: ReadSecret;
  readonly log: Logger;
  /** A function without requests for this long is stopped; 5 minutes by default. */
  readonly idleMs?: number;
  /** Memory of a function that sets no limit; 256 MiB by default. */
  readonly memoryBytes?: number;
  /** How long an old replica may take for its running requests; 60 s by default. */
  readonly drainMs?: number;
}

/** What runs replicas. */
export interface ReplicaBackend<Image extends PoolImage> {
  readonly info: Provider['info'];
  /**
   * @param restored The function ran before: its image may be fetched when it is started.
   * @throws CloudError `OFC_DEPLOY_FAILED` if there is no such image.
   */
  image(reference: string, restored: boolean): Promise<Image>;
  start(plan: ReplicaPlan<Image>): Promise<Replica>;
  /** Called about once a second. */
  tick(): void;
  /** Deletes images that are not in `used`. */
  prune(used: ReadonlySet<string>): Promise<void>;
  /** Called with what to do when replicas that could not start now can. */
  onRecovered?(retry: () => void): void;
  /** Called when all replicas have ended. */
  close(): Promise<void>;
}

const tickMs = 1000;
const pruneMs = 60 * 60_000;

/** A {@link Provider} that keeps a pool of replicas for each function. */
export function createPoolProvider<Image extends PoolImage>(
  options: PoolProviderOptions,
  backend: ReplicaBackend<Image>,
): Provider {
  const { folder, log, readSecret } = options;
  const pools = new Map<string, FunctionPool<Image>>();
  const logFiles = new Map<string, FunctionLogFile>();
  const queues = new Map<string, Promise<unknown>>();

  const find = (id: string): FunctionPool<Image> => {
    const pool = pools.get(id);
    if (pool !== undefined) return pool;
    throw new CloudError('OFC_NOT_FOUND', `There is no function "${id}".`);
  };
  const logFile = (id: string): FunctionLogFile => {
    const file = logFiles.get(id) ?? openFunctionLog(join(folder, 'logs'), id);
    logFiles.set(id, file);
    return file;
  };
  const createPool = (spec: FunctionSpec, image: Image): FunctionPool<Image> =>
    new FunctionPool(spec, image, {
      start: (plan) => backend.start(plan),
      logFile: logFile(functionId(spec)),
      log,
      idleMs: options.idleMs ?? 5 * 60_000,
      drainMs: options.drainMs ?? 60_000,
      memoryBytes: options.memoryBytes ?? 256 * 2 ** 20,
    });
  /** One change of a function at a time, in the order they were asked for. */
  const inOrder = <T>(id: string, change: () => Promise<T>): Promise<T> => {
    const done = (queues.get(id) ?? Promise.resolve()).then(change, change);
    queues.set(id, done);
    const forget = (): void => {
      if (queues.get(id) === done) queues.delete(id);
    };
    done.then(forget, forget);
    return done;
  };

  const ticking = setInterval(() => {
    backend.tick();
    for (const pool of pools.values()) pool.tick();
  }, tickMs).unref();
  const pruning = setInterval(() => {
    const used = new Set([...pools.values()].map((pool) => pool.image.digest));
    backend.prune(used).catch((error: unknown) => {
      log.warn('Old images could not be deleted.', { error: String(error) });
    });
  }, pruneMs).unref();

  backend.onRecovered?.(() => {
    for (const pool of pools.values()) pool.retry();
  });

  return {
    info: backend.info,
    deploy: (spec, { start = true } = {}) => {
      const id = functionId(spec);
      return inOrder(id, async () => {
        if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(spec.service)) {
          throw new CloudError('OFC_DEPLOY_FAILED', `"${spec.service}" is no function name.`);
        }
        for (const name of spec.secrets) await findSecret(name, spec.namespace, readSecret);
        const image = await backend.image(spec.image, !start);
        const up = start || !scalesToZero(spec);
        const pool = pools.get(id);
        if (pool !== undefined) {
          pool.update(spec, image, up);
          return;
        }
        const created = createPool(spec, image);
        pools.set(id, created);
        if (up) created.up();
      });
    },
    remove: (id) =>
      inOrder(id, async () => {
        const pool = find(id);
        pools.delete(id);
        await pool.stop();
        await logFiles.get(id)?.remove();
        logFiles.delete(id);
      }),
    async scale(id, replicas) {
      find(id).scale(replicas);
    },
    status: (id) => pools.get(id)?.status(),
    async acquire(id, signal) {
      return find(id).acquire(signal);
    },
    logs: (query: LogQuery): AsyncIterable<LogLine> => {
      find(query.id);
      return logFile(query.id).read(query);
    },
    async close() {
      clearInterval(ticking);
      clearInterval(pruning);
      await Promise.allSettled(queues.values());
      await Promise.all([...pools.values()].map((pool) => pool.stop(1000, true)));
      pools.clear();
      await Promise.all([...logFiles.values()].map((file) => file.close()));
      await backend.close();
    },
  };
}
