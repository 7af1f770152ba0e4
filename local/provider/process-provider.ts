import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { FunctionPool } from './function-pool.ts';
import { createImageStore, type ImageSource } from './image-store.ts';
import { type FunctionLogFile, openFunctionLog } from './log-store.ts';
import { openProcessRecords } from './process-records.ts';
import { processesByParent } from './process-table.ts';
import type { FunctionSpec, LogLine, LogQuery, Provider } from './provider.ts';
import { findSecret, type ReadSecret } from './replica-folders.ts';
import { detectSandbox, type Isolation } from './sandbox.ts';

/** Settings of {@link createProcessProvider}. */
export interface ProcessProviderOptions {
  /** Where images, logs and process records are kept. */
  readonly folder: string;
  readonly images: ImageSource;
  readonly readSecret: ReadSecret;
  readonly log: Logger;
  /** `auto`, the default: bubblewrap where it works. */
  readonly isolation?: Isolation;
  /** A function without requests for this long is stopped; 5 minutes by default. */
  readonly idleMs?: number;
  /** Memory of a function that sets no limit; 256 MiB by default. */
  readonly memoryBytes?: number;
  /** How long a new replica may take to become ready; 20 s by default. */
  readonly startTimeoutMs?: number;
  /** How long an old replica may take for its running requests; 60 s by default. */
  readonly drainMs?: number;
  /** From SIGTERM to SIGKILL; 5 s by default. */
  readonly graceMs?: number;
}

const tickMs = 1000;
const pruneMs = 60 * 60_000;

/**
 * A {@link Provider} without a container engine: each replica is a process on this machine, started
 * on demand with this process's own Node from an OCI image made by the embedded builder.
 *
 * @throws CloudError `OFC_CONFIG` if the isolation asked for does not work here.
 */
export async function createProcessProvider(options: ProcessProviderOptions): Promise<Provider> {
  const { folder, log, readSecret } = options;
  const sandbox = await detectSandbox(options.isolation ?? 'auto');
  await mkdir(join(folder, 'images'), { recursive: true, mode: 0o700 });
  const records = openProcessRecords(join(folder, 'processes'));
  // Short, because a socket's path may have about 100 characters.
  const runFolder = await mkdtemp(join(tmpdir(), 'ofc-'));
  const images = createImageStore(join(folder, 'images'), options.images);
  const pools = new Map<string, FunctionPool>();
  const logFiles = new Map<string, FunctionLogFile>();
  const queues = new Map<string, Promise<unknown>>();
  const graceMs = options.graceMs ?? 5000;
  const startTimeoutMs = options.startTimeoutMs ?? 20_000;
  const host = { runFolder, sandbox, records, readSecret, startTimeoutMs, graceMs };

  const find = (service: string): FunctionPool => {
    const pool = pools.get(service);
    if (pool !== undefined) return pool;
    throw new CloudError('OFC_NOT_FOUND', `There is no function "${service}".`);
  };
  const logFile = (service: string): FunctionLogFile => {
    const file = logFiles.get(service) ?? openFunctionLog(join(folder, 'logs'), service);
    logFiles.set(service, file);
    return file;
  };
  const createPool = (spec: FunctionSpec, image: FunctionPool['image']): FunctionPool =>
    new FunctionPool(spec, image, {
      host,
      logFile: logFile(spec.service),
      log,
      idleMs: options.idleMs ?? 5 * 60_000,
      drainMs: options.drainMs ?? 60_000,
      memoryBytes: options.memoryBytes ?? 256 * 2 ** 20,
    });
  /** One change of a function at a time, in the order they were asked for. */
  const inOrder = <T>(service: string, change: () => Promise<T>): Promise<T> => {
    const done = (queues.get(service) ?? Promise.resolve()).then(change, change);
    queues.set(service, done);
    const forget = (): void => {
      if (queues.get(service) === done) queues.delete(service);
    };
    done.then(forget, forget);
    return done;
  };

  const ticking = setInterval(() => {
    const running = [...pools.values()].filter((pool) => pool.running);
    if (running.length === 0) return;
    const children = processesByParent();
    for (const pool of running) pool.tick(children);
  }, tickMs).unref();
  const pruning = setInterval(() => {
    const used = new Set([...pools.values()].map((pool) => pool.image.digest));
    images.prune(used, pruneMs).catch((error: unknown) => {
      log.warn('Old images could not be deleted.', { error: String(error) });
    });
  }, pruneMs).unref();

  return {
    info: { name: 'openfaas-cloud', orchestration: 'processes', isolation: sandbox.summary },
    deploy: (spec, { start = true } = {}) =>
      inOrder(spec.service, async () => {
        if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(spec.service)) {
          throw new CloudError('OFC_DEPLOY_FAILED', `"${spec.service}" is no function name.`);
        }
        for (const name of spec.secrets) await findSecret(name, readSecret);
        const image = await images.get(spec.image);
        const pool = pools.get(spec.service);
        if (pool !== undefined) {
          pool.update(spec, image);
          return;
        }
        const created = createPool(spec, image);
        pools.set(spec.service, created);
        if (start || spec.labels['com.openfaas.scale.zero'] === 'false') created.up();
      }),
    remove: (service) =>
      inOrder(service, async () => {
        const pool = find(service);
        pools.delete(service);
        await pool.stop();
        await logFiles.get(service)?.remove();
        logFiles.delete(service);
      }),
    async scale(service, replicas) {
      find(service).scale(replicas);
    },
    status: (service) => pools.get(service)?.status(),
    async acquire(service, signal) {
      return find(service).acquire(signal);
    },
    logs: (query: LogQuery): AsyncIterable<LogLine> => {
      find(query.name);
      return logFile(query.name).read(query);
    },
    async close() {
      clearInterval(ticking);
      clearInterval(pruning);
      await Promise.allSettled(queues.values());
      await Promise.all([...pools.values()].map((pool) => pool.stop(1000)));
      pools.clear();
      await Promise.all([...logFiles.values()].map((file) => file.close()));
      await rm(runFolder, { recursive: true, force: true });
    },
  };
}
