import type { Server } from 'node:http';
import type { CloseHandler, FunctionLog } from '../function/types.ts';
import type { RuntimeConfig } from './config.ts';
import { errorFields } from './error-fields.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { LockFile } from './lock-file.ts';

interface ShutdownOptions {
  readonly config: RuntimeConfig;
  readonly lifecycle: Lifecycle;
  readonly server: Server;
  readonly lockFile: LockFile;
  readonly log: FunctionLog;
  readonly close: CloseHandler | undefined;
}

/**
 * Makes what ends the process the watchdog's way. On SIGTERM or SIGINT it is no longer ready, but serves on for
 * `healthcheck_interval`, in which the platform takes it out of its lists; then the listener closes,
 * requests in flight get up to `write_timeout`, and the handler's `close` as much again, exit 0. A second signal ends
 * it at once.
 */
export function createStop({
  config,
  lifecycle,
  server,
  lockFile,
  log,
  close,
}: ShutdownOptions): (signal: 'SIGTERM' | 'SIGINT') => void {
  const exit = () => process.exit(0);
  let cutOff: NodeJS.Timeout | undefined;

  async function end(): Promise<void> {
    lifecycle.onIdle = undefined;
    clearTimeout(cutOff);
    setTimeout(exit, config.writeTimeout);
    try {
      await close?.();
    } catch (error) {
      log.error('The export "close" failed.', errorFields(error));
    }
    exit();
  }

  function drain(): void {
    // From here on connections are closed as they fall idle, whatever their keep-alive.
    server.close();
    server.keepAliveTimeout = 1;
    server.closeIdleConnections();
    if (lifecycle.inflight === 0) return void end();
    lifecycle.onIdle = () => void end();
    cutOff = setTimeout(() => {
      log.warn('Requests in flight were cut off.', { inflight: lifecycle.inflight });
      void end();
    }, config.writeTimeout);
  }

  return (signal) => {
    if (lifecycle.draining) process.exit(signal === 'SIGTERM' ? 143 : 130);
    lifecycle.draining = true;
    lockFile.remove();
    log.info('stopping', { signal, inflight: lifecycle.inflight });
    if (lifecycle.ready) setTimeout(drain, config.drainDelay);
    else exit();
  };
}
