import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange, Http1Client } from '../http1/http1-client.ts';
import { Http1Error } from '../http1/http1-error.ts';
import type { RequestBody } from '../http1/request-head.ts';
import type { ResponsePart } from '../http1/response-reader.ts';
import { responseHeaders } from './response-headers.ts';
import { writePieces } from './write-pieces.ts';

/** One request on its way to a function. */
export interface ForwardRequest {
  /** Path and query at the gateway. */
  readonly path: string;
  /** Names and values in turn; see `requestHeaders`. */
  readonly headers: readonly string[];
  /** `true`: the function may set the platform's cookies. */
  readonly keepCookies: boolean;
  /** Longest wait for the answer to begin, and for each further part of it. */
  readonly timeoutMs: number;
  /** Names and values in turn that the answer gets besides its own. */
  readonly extraHeaders?: readonly string[] | undefined;
  /** What the answer gets if it says nothing itself, by names in lower case. */
  readonly defaultHeaders?: Readonly<Record<string, string>>;
}

/**
 * How it ended: `done`; `gone`, the visitor left; `cut`, the answer broke off half-way and the
 * connection was closed; or the status of the error that the caller is to show, as nothing was sent.
 */
export type ForwardResult = 'done' | 'gone' | 'cut' | FailureStatus;

/** The statuses of pages that stand for an answer of the gateway's own, or for none. */
export type FailureStatus = 400 | 404 | 408 | 429 | 502 | 503 | 504;

/** Up to this size a whole answer goes out as one text with its head: one write instead of two. */
const maxTextBytes = 8 * 1024;

/**
 * Streams a request to the gateway and the answer back, with back-pressure both ways and nothing
 * kept. If the visitor leaves, the upstream request is aborted. Trailers are dropped.
 *
 * @param settle Called once, with how it ended.
 */
export function forward(
  upstream: Http1Client,
  request: IncomingMessage,
  response: ServerResponse,
  { path, headers, keepCookies, timeoutMs, extraHeaders, defaultHeaders = {} }: ForwardRequest,
  settle: (result: ForwardResult) => void,
): void {
  // A visitor may have left while the decision was made; then "close" has been emitted already.
  if (response.destroyed) {
    settle('gone');
    return;
  }
  let ended = false;
  let exchange: Exchange | undefined;
  const end = (result: ForwardResult): void => {
    ended = true;
    response.off('close', onClose);
    // What is left of the request's body must not hold up the next request on its connection.
    if (!request.complete) request.resume();
    settle(result);
  };
  const onClose = (): void => {
    if (ended) return;
    end('gone');
    exchange?.abort();
  };
  response.on('close', onClose);

  const onPart = (part: ResponsePart): boolean => {
    const { head, done } = part;
    if (ended) {
      // The rest of an answer of the gateway's own; if it has an end soon, the connection is kept.
      if (!done && head === undefined) exchange?.abort();
      return true;
    }
    if (head !== undefined) {
      const failure = gatewayFailure(head.status, head.headers);
      if (failure !== undefined) {
        end(failure);
        return true;
      }
      const list = responseHeaders(head.headers, keepCookies);
      if (extraHeaders !== undefined) list.push(...extraHeaders);
      for (const name in defaultHeaders) {
        if (!hasField(list, name)) list.push(name, defaultHeaders[name] ?? '');
      }
      if (done && head.body !== 0 && typeof head.body !== 'number') {
        list.push('content-length', `${byteLength(part.data)}`);
      }
      response.writeHead(head.status, list);
      if (!done) response.on('drain', () => exchange?.resume());
      // A stream may wait before its first part.
      if (!done && part.data.length === 0) response.flushHeaders();
    }
    if (!done) return part.data.length === 0 || writePieces(response, part.data);
    if (head !== undefined && byteLength(part.data) <= maxTextBytes) {
      writeText(response, part.data);
    } else if (part.data.length > 0) {
      writePieces(response, part.data);
    }
    response.end();
    end('done');
    return true;
  };

  const body = bodyOf(request);
  try {
    exchange = upstream.request(
      { method: request.method ?? '', path, headers, body, timeoutMs },
      {
        onPart,
        onDrain: () => request.resume(),
        onFailure({ failure }) {
          if (ended) return;
          if (response.headersSent) {
            end('cut');
            response.destroy();
          } else if (failure === 'timeout') {
            end(request.complete || body === 'none' ? 504 : 408);
          } else {
            end(502);
          }
        },
      },
    );
  } catch (error) {
    if (!(error instanceof Http1Error)) throw error;
    end(400);
    return;
  }
  if (body === 'none') return;
  const sending = exchange;
  request.on('data', (piece: Buffer) => {
    if (!ended && !sending.write(piece)) request.pause();
  });
  request.on('end', () => sending.end());
}

function hasField(list: readonly string[], name: string): boolean {
  for (let i = 0; i < list.length; i += 2) {
    if (list[i]?.length === name.length && list[i]?.toLowerCase() === name) return true;
  }
  return false;
}

function byteLength(pieces: readonly Buffer[]): number {
  let sum = 0;
  for (const { length } of pieces) sum += length;
  return sum;
}

/**
 * Writes the whole body of a short answer as one text with its head. `end(text)` would make it two writes, of
 * which the second is empty, and send them as a list, which costs more.
 */
function writeText(response: ServerResponse, pieces: readonly Buffer[]): void {
  if (pieces.length === 0) return;
  let text = '';
  for (const piece of pieces) text += piece.toString('latin1');
  const { socket } = response;
  socket?.cork();
  response.write(text, 'latin1');
  socket?.uncork();
}

/** A request has a body if it says so (RFC 9112 §6.3). */
function bodyOf({ headers }: IncomingMessage): RequestBody {
  if (headers['transfer-encoding'] !== undefined) return 'chunked';
  const length = Number(headers['content-length'] ?? -1);
  return length < 0 ? 'none' : length;
}

/** The gateway's and the provider's own failures name internals, so we show ours instead. */
function gatewayFailure(status: number, raw: readonly string[]): FailureStatus | undefined {
  if (status < 400) return undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() !== 'x-openfaas-internal') continue;
    if (raw[i + 1] !== 'proxy' && raw[i + 1] !== 'gateway') continue;
    return status === 404 || status === 429 || status === 503 || status === 504 ? status : 502;
  }
  return undefined;
}
