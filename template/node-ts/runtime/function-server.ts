import { createServer, IncomingMessage, type Server } from 'node:http';
import { answerJson } from './answer.ts';
import type { RuntimeConfig } from './config.ts';
import { bodyLimit } from './event.ts';
import { announcesMore } from './read-body.ts';
import { TimedResponse } from './timed-response.ts';

/** Longer than the 90 seconds for which Go's proxies keep a connection: they close it, not we. */
const keepAliveTimeout = 100_000;
const maxHeaderSize = 1024 ** 2;

/** The HTTP server of a function. */
export type FunctionServer = Server<typeof IncomingMessage, typeof TimedResponse>;

type Listener = (request: IncomingMessage, response: TimedResponse) => void;

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
): FunctionServer {
  const { readTimeout, writeTimeout } = config;
  const server = createServer(
    {
      ServerResponse: TimedResponse,
      IncomingMessage,
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
  server.on('checkContinue', (request: IncomingMessage, response: TimedResponse) => {
    if (!streams && announcesMore(request, bodyLimit(request, config))) {
      // Not asked to go on, so the body may or may not follow: the connection is of no more use.
      response.shouldKeepAlive = false;
      return answerJson(response, 413, { error: 'The body is too large.' });
    }
    response.writeContinue();
    server.emit('request', request, response);
  });
  return server;
}

/** Called when nothing moved on the connection for `write_timeout`. */
function cutStalled(this: TimedResponse): void {
  const { req: request, socket } = this;
  const reading = (socket?.writableLength ?? 0) > 0;
  const sending = !request.complete && request.readableDidRead && request.readableLength === 0;
  if (reading || sending) socket?.destroy();
}
