import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FunctionLog, UpgradeHandler } from '../function/types.ts';
import { isFull, refuseUpgrade } from './busy.ts';
import type { RuntimeConfig } from './config.ts';
import { errorFields } from './error-fields.ts';
import { endOne, type Lifecycle } from './lifecycle.ts';

/** Takes a connection on which another protocol is asked for, with what came behind the request. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Hands upgraded connections to the handler. They count as in flight until they close. */
export function createUpgrade(
  handler: UpgradeHandler,
  config: RuntimeConfig,
  lifecycle: Lifecycle,
  log: FunctionLog,
): UpgradeListener {
  return (request, socket, head) => {
    // A reset is no reason to end the process.
    socket.on('error', () => socket.destroy());
    if (isFull(config, lifecycle)) return refuseUpgrade(socket);
    lifecycle.inflight++;
    socket.once('close', () => endOne(lifecycle));
    const call = async () => handler(request, socket, head);
    call().catch((thrown) => {
      log.error('The upgrade handler failed.', errorFields(thrown));
      socket.destroy();
    });
  };
}
