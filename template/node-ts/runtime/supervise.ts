import type { Cluster, Worker } from 'node:cluster';
import type { FunctionLog } from '../function/types.ts';
import type { RuntimeConfig } from './config.ts';
import type { LockFile } from './lock-file.ts';
import { serveMetrics } from './metrics-server.ts';
import { countersOf, sumMetrics } from './sum-metrics.ts';
import type { FromWorker, ToWorker } from './worker.ts';

interface SuperviseOptions {
  readonly cluster: Cluster;
  readonly config: RuntimeConfig;
  readonly lockFile: LockFile;
  readonly log: FunctionLog;
}

/** One that ends is replaced after this time, so that one which cannot start does not burn a core. */
const restartMs = 500;
const metricsMs = 2000;

/**
 * Runs the function in several processes that share one listener, and is itself none of them: it
 * replaces those that end, passes the end on, and serves their metrics as one. If no worker can start,
 * it ends as that worker did.
 *
 * Connections are dealt in turn. One that is handed to a worker in the moment of its crash gets no
 * answer: node:cluster forgets it.
 */
export async function supervise({
  cluster,
  config,
  lockFile,
  log,
}: SuperviseOptions): Promise<void> {
  /** Those that listen, each with the metrics that it told last. */
  const listening = new Map<Worker, string>();
  let ended = '';
  let stopping = false;

  const fork = (): void => {
    // All count on the same number, whatever "auto" would be to them.
    const worker = cluster.fork({ workers: String(config.workers) });
    worker.once('listening', () => {
      listening.set(worker, '');
      if (listening.size === config.workers) lockFile.create();
    });
    worker.once('exit', (code, signal) => {
      const last = listening.get(worker);
      listening.delete(worker);
      ended = sumMetrics([ended, countersOf(last ?? '')]);
      const isLast = Object.keys(cluster.workers ?? {}).length === 0;
      if (stopping) {
        if (isLast) process.exit(0);
        return;
      }
      const fields = { pid: worker.process.pid, code, signal };
      if (last === undefined && listening.size === 0) {
        log.error('No worker could start.', fields);
        process.exit(code || 1);
      }
      log.error('A worker ended and is replaced.', fields);
      setTimeout(() => {
        if (!stopping) fork();
      }, restartMs);
    });
  };
  const tell = (worker: Worker, message: ToWorker): void => {
    if (worker.isConnected()) worker.send(message);
  };
  const stop = (signal: 'SIGTERM' | 'SIGINT'): void => {
    if (stopping) process.exit(signal === 'SIGTERM' ? 143 : 130);
    stopping = true;
    lockFile.remove();
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    if (workers.length === 0) process.exit(0);
    for (const worker of workers) tell(worker, { ask: 'stop', signal });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  let asked = 0;
  const metricsOf = (worker: Worker): Promise<string> =>
    new Promise((resolve) => {
      const id = ++asked;
      const settle = (text?: string): void => {
        clearTimeout(timer);
        worker.off('message', onMessage);
        worker.off('exit', onExit);
        if (text !== undefined && listening.has(worker)) listening.set(worker, text);
        // Of one that is too busy to answer the last numbers are nearer than none.
        resolve(text ?? listening.get(worker) ?? '');
      };
      const onMessage = (message: FromWorker): void => {
        if (message.id === id) settle(message.metrics);
      };
      const onExit = (): void => settle();
      const timer = setTimeout(settle, metricsMs);
      worker.on('message', onMessage);
      worker.on('exit', onExit);
      tell(worker, { ask: 'metrics', id });
    });
  const render = async (): Promise<string> => {
    const texts = await Promise.all([...listening.keys()].map(metricsOf));
    return sumMetrics([...texts, ended]);
  };

  for (let i = 0; i < config.workers; i++) fork();
  if (config.metricsPort !== 'off') await serveMetrics(config.metricsPort, render, log);
}
