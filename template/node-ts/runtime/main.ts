import { createAccessLog } from './access-log.ts';
import { createAdmission } from './admission.ts';
import { serveClassic } from './classic.ts';
import { type RuntimeConfig, readConfig } from './config.ts';
import { createFunctionServer } from './function-server.ts';
import { createLifecycle } from './lifecycle.ts';
import { listen, removeSocket } from './listen.ts';
import { createLockFile } from './lock-file.ts';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import { serveMetrics } from './metrics-server.ts';
import { pickHandler } from './pick-handler.ts';
import { withProbes } from './probes.ts';
import { serveRaw } from './raw.ts';
import { createStop } from './shutdown.ts';
import { supervise } from './supervise.ts';
import { createUpgrade } from './upgrade.ts';
import { obeyFirstProcess } from './worker.ts';

/**
 * Runs a function: of-watchdog's contract and the handler in one process. The bundle's entry calls it
 * with the exports of the handler file.
 *
 * @throws Error if the environment or the handler is wrong or `init` fails; `crash.ts` makes it exit 1.
 */
export async function start(handlerModule: Readonly<Record<string, unknown>>): Promise<void> {
  const { env } = process;
  const all = readConfig(env);
  const cluster = all.workers > 1 ? (await import('node:cluster')).default : undefined;
  const config = cluster?.isWorker ? shareOf(all) : all;
  const { handler, upgrade, init, metrics: own, close } = pickHandler(handlerModule);
  const base = env['OPENFAAS_NAME'] ? { function: env['OPENFAAS_NAME'] } : {};
  const log = createLog(base);
  const lockFile = createLockFile(config.lockFile);
  /** What another process left; a lock file would show us ready too early. */
  const clean = () => {
    lockFile.remove();
    removeSocket(config.listen);
  };
  if (cluster?.isPrimary) {
    clean();
    return supervise({ cluster, config, lockFile, log });
  }
  const lifecycle = createLifecycle();
  const metrics = createMetrics();
  const render = async () => metrics.render(lifecycle.inflight) + ((await own?.()) ?? '');

  const serve =
    handler.kind === 'raw' ? serveRaw(handler.handle) : serveClassic(handler.handle, config);
  const admit = createAdmission({
    config,
    lifecycle,
    metrics,
    log,
    logAccess: createAccessLog(base),
    serve,
  });
  const server = createFunctionServer(
    config,
    handler.kind === 'raw',
    withProbes(config, lifecycle, admit),
    upgrade && createUpgrade(upgrade, config, lifecycle, log),
  );

  const stop = createStop({ config, lifecycle, server, lockFile, log, close });
  if (cluster !== undefined) {
    obeyFirstProcess(stop, render);
  } else {
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    clean();
  }
  await init?.();
  const host = config.behindWatchdog ? '127.0.0.1' : undefined;
  const address = await listen(server, config.listen, host);
  lifecycle.ready = true;
  lockFile.create();
  log.info('listening', { address, node: process.version });
  if (config.metricsPort !== 'off' && cluster === undefined) {
    await serveMetrics(config.metricsPort, render, log);
  }
}

/** A worker's part: the first process keeps the lock file, and limits hold for all together. */
function shareOf(config: RuntimeConfig): RuntimeConfig {
  const maxInflight = Math.ceil(config.maxInflight / config.workers);
  return { ...config, maxInflight, lockFile: undefined };
}
