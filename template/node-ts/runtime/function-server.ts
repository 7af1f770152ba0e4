import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { RuntimeConfig } from './config.ts';

/** Longer than the 90 seconds for which Go's proxies keep a connection: they close it, not we. */
const keepAliveTimeout = 100_000;
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
 */
export function createFunctionServer(
  config: RuntimeConfig,
  streams: boolean,
  listener: Listener,
): Server {
  const { readTimeout, writeTimeout } = config;
  const server = createServer(
    {
      maxHeaderSize,
      keepAliveTimeout,
      headersTimeout: readTimeout,
      requestTimeout: streams ? 0 : readTimeout,
      connectionsCheckingInterval: Math.min(Math.max(readTimeout, 100), 5000),
      requireHostHeader: false,
    },
    (request, response) => {
      response.on('timeout', cutStalled);
      listener(request, response);
    },
  );
  server.timeout = writeTimeout;
  // The handler's side decides whether it wants the body.
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  return server;
}

/** Called when nothing moved on the connection for `write_timeout`. */
function cutStalled(this: ServerResponse): void {
  const { req: request, socket } = this;
  const reading = (socket?.writableLength ?? 0) > 0;
  const sending = !request.complete && request.readableDidRead && request.readableLength === 0;
  if (reading || sending) socket?.destroy();
}
