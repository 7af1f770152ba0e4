import { request as httpRequest, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { endToEnd, forwardedHeaders } from './forwarding-headers.ts';
import { parseFunctionRoute } from './function-route.ts';
import type { Invoker } from './invoker.ts';

/**
 * Passes an upgrade (WebSocket) through to a function: its answer goes back as it is, and once it
 * agreed (101) both ends talk to each other. Only `/function/` takes upgrades.
 */
export async function passUpgrade(
  invoker: Invoker,
  timeoutMs: number,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on('error', () => socket.destroy());
  const route = parseFunctionRoute('/function/', request.url ?? '');
  if (route === undefined) return refuse(socket, 404);
  if (request.headers['transfer-encoding'] ?? Number(request.headers['content-length'] ?? 0) > 0) {
    // The body would have to be told from the other protocol's bytes.
    return refuse(socket, 400);
  }
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  const held = await invoker.acquire(route.name, gone.signal);
  if ('refused' in held) return refuse(socket, held.refused, held.text);

  let status = 502;
  const upstream = httpRequest({
    ...held.endpoint,
    agent: false,
    method: request.method ?? 'GET',
    path: route.path,
    headers: [
      ...forwardedHeaders(request).headers,
      ...['Host', 'localhost'],
      ...['Connection', 'Upgrade', 'Upgrade', request.headers.upgrade ?? ''],
    ],
    signal: gone.signal,
  });
  const deadline = setTimeout(() => upstream.destroy(new Error('no answer in time')), timeoutMs);
  let answered = false;
  upstream.on('error', () => {
    clearTimeout(deadline);
    held.release(status);
    if (answered) socket.destroy();
    else refuse(socket, 502);
  });
  upstream.once('response', (answer) => {
    clearTimeout(deadline);
    answered = true;
    status = answer.statusCode ?? 502;
    writeHead(socket, status, [...endToEnd(answer.rawHeaders), 'Connection', 'close']);
    answer.once('close', () => held.release(status));
    answer.on('error', () => socket.destroy()).pipe(socket);
  });
  upstream.once('upgrade', (answer, other, otherHead) => {
    clearTimeout(deadline);
    answered = true;
    writeHead(socket, 101, answer.rawHeaders);
    other.once('close', () => {
      held.release(101);
      socket.destroy();
    });
    socket.once('close', () => other.destroy());
    other.on('error', () => other.destroy());
    if (otherHead.length > 0) socket.write(otherHead);
    if (head.length > 0) other.write(head);
    socket.pipe(other).pipe(socket);
  });
  upstream.end();
}

function writeHead(socket: Duplex, status: number, headers: readonly string[]): void {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  for (let index = 0; index < headers.length; index += 2) {
    text += `${headers[index]}: ${headers[index + 1]}\r\n`;
  }
  socket.write(`${text}\r\n`, 'latin1');
}

function refuse(socket: Duplex, status: number, text = ''): void {
  if (socket.destroyed) return;
  const length = String(Buffer.byteLength(text));
  writeHead(socket, status, ['Content-Length', length, 'Connection', 'close']);
  socket.end(text);
}
