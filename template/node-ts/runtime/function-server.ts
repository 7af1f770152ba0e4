import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { RuntimeConfig } from './config.ts';
import { watchConnections } from './connection-watch.ts';
import type { UpgradeListener } from './upgrade.ts';

/** Longer than the 90 seconds for which Go's proxies keep a connection: they close it, not we. */
const idleMs = 100_000;
const maxHeaderSize = 1024 ** 2;

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Makes the server; it does not listen yet.
 *
 * - `read_timeout`: until the headers are read and, unless the handler is raw, the body.
 * - `write_timeout`: how long a connection may stand still while the caller owes us progress. A stream
 *   that moves, and one that waits for its handler, may take any time.
 *
 * @param streams The handler is raw: it reads the body itself, at its own pace.
 * @param upgrade Takes connections on which another protocol is asked for; without it they are requests as others.
 */
export function createFunctionServer(
  config: RuntimeConfig,
  streams: boolean,
  listener: Listener,
  upgrade?: UpgradeListener,
): Server {
  const { readTimeout, writeTimeout } = config;
  const server = createServer(
    {
      maxHeaderSize,
      keepAliveTimeout: 0,
      headersTimeout: readTimeout,
      requestTimeout: streams ? 0 : readTimeout,
      connectionsCheckingInterval: Math.min(Math.max(readTimeout, 100), 5000),
      requireHostHeader: false,
    },
    (request, response) => {
      watch.serving(response);
      listener(request, response);
    },
  );
  const watch = watchConnections(server, { idleMs, stallMs: writeTimeout });
  if (upgrade !== undefined) {
    server.on('upgrade', (request, socket, head) => {
      watch.forget(request.socket);
      upgrade(request, socket, head);
    });
  }
  // The handler's side decides whether it wants the body.
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  return server;
}
