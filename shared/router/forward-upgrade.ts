import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { FailureStatus } from './forward.ts';
import { responseHeaders } from './response-headers.ts';

/** A WebSocket on its way to a function. */
export interface UpgradeRequest {
  /** Where the gateway is. */
  readonly origin: URL;
  readonly path: string;
  /** Names and values in turn; see `requestHeaders`. */
  readonly headers: readonly string[];
  readonly timeoutMs: number;
}

/** Whether a request asks for a WebSocket (RFC 6455 §4.2.1), in full. */
export function isWebSocket({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['sec-websocket-version'] === '13' &&
    /^[A-Za-z0-9+/]{22}==$/.test(headers['sec-websocket-key'] ?? '') &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined
  );
}

/**
 * Passes a WebSocket through: both ends talk to each other once the function has agreed, which is
 * checked (status 101 and the answer to the key), since otherwise the bytes that follow would be
 * requests that nobody looked at. Any other answer goes to the visitor as it is.
 *
 * @param response Made for the visitor's socket, for answers other than 101.
 * @returns How it ended, when it has ended; a status if nothing was sent.
 */
export function forwardUpgrade(
  request: IncomingMessage,
  response: ServerResponse,
  socket: Duplex,
  head: Buffer,
  { origin, path, headers, timeoutMs }: UpgradeRequest,
): Promise<'done' | 'gone' | FailureStatus> {
  return new Promise((settle) => {
    if (socket.destroyed) return settle('gone');
    const send = origin.protocol === 'https:' ? httpsRequest : httpRequest;
    const outgoing = send(origin, {
      agent: false,
      method: 'GET',
      path,
      headers: [
        ...['host', origin.host, 'connection', 'Upgrade', 'upgrade', 'websocket'],
        ...headers,
      ],
      setHost: false,
    });
    const deadline = setTimeout(() => end(504), timeoutMs);
    const onGone = (): void => end('gone');
    const end = (result: 'done' | 'gone' | FailureStatus): void => {
      clearTimeout(deadline);
      socket.off('close', onGone);
      outgoing.destroy();
      settle(result);
    };
    socket.once('close', onGone);
    outgoing.on('error', () => end(502));
    outgoing.once('response', (answer) => {
      clearTimeout(deadline);
      response.writeHead(answer.statusCode ?? 502, responseHeaders(answer.rawHeaders, false));
      answer.once('error', () => socket.destroy());
      answer.pipe(response).once('finish', () => end('done'));
    });
    outgoing.once('upgrade', (answer, other, otherHead) => {
      clearTimeout(deadline);
      const accept = acceptOf(request.headers['sec-websocket-key'] ?? '');
      if (answer.headers['sec-websocket-accept'] !== accept) {
        other.destroy();
        return end(502);
      }
      socket.off('close', onGone);
      response.detachSocket(socket as Parameters<ServerResponse['detachSocket']>[0]);
      const fields = [
        ...['Connection', 'Upgrade', 'Upgrade', 'websocket'],
        ...responseHeaders(answer.rawHeaders, false),
      ];
      const lines = fields.map((text, i) => (i % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('');
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`, 'latin1');
      if (otherHead.length > 0) socket.write(otherHead);
      if (head.length > 0) other.write(head);
      other.on('error', () => other.destroy());
      other.once('close', () => socket.destroy());
      socket.once('close', () => {
        other.destroy();
        end('done');
      });
      socket.pipe(other).pipe(socket);
    });
    outgoing.end();
  });
}

/** RFC 6455 §4.2.2: proves that the server knows what a WebSocket is. */
function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}
