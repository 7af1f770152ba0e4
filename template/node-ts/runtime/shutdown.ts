import type { Server } from 'node:http';
import type { FunctionLog } from '../function/types.ts';
import type { RuntimeConfig } from './config.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { LockFile } from './lock-file.ts';

interface ShutdownOptions {
  readonly config: RuntimeConfig;
  readonly lifecycle: Lifecycle;
  readonly server: Server;
  readonly lockFile: LockFile;
  readonly log: FunctionLog;
}

/**
 * Makes what ends the process the watchdog's way. On SIGTERM or SIGINT it is no longer ready, but serves on for
 * `healthcheck_interval`, in which the platform takes it out of its lists; then the listener closes,
 * requests in flight get up to `write_timeout`, exit 0. A second signal ends it at once.
 */
export function createStop({
  config,
  lifecycle,
  server,
  lockFile,
  log,
}: ShutdownOptions): (signal: 'SIGTERM' | 'SIGINT') => void {
  const exit = () => process.exit(0);

  function close(): void {
    // From here on connections are closed as they fall idle, whatever their keep-alive.
    server.close();
    server.keepAliveTimeout = 1;
    server.closeIdleConnections();
    if (lifecycle.inflight === 0) exit();
    lifecycle.onIdle = exit;
    setTimeout(() => {
      log.warn('Requests in flight were cut off.', { inflight: lifecycle.inflight });
      exit();
    }, config.writeTimeout);
  }

  return (signal) => {
    if (lifecycle.draining) process.exit(signal === 'SIGTERM' ? 143 : 130);
    lifecycle.draining = true;
    lockFile.remove();
    log.info('stopping', { signal, inflight: lifecycle.inflight });
    if (lifecycle.ready) setTimeout(close, config.drainDelay);
    else exit();
  };
}
