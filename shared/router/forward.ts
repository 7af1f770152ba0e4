import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { type Dispatcher, errors } from 'undici';
import { responseHeaders } from './response-headers.ts';

/** One request on its way to a function. */
export interface ForwardRequest {
  /** Path and query at the gateway. */
  readonly path: string;
  /** Names and values in turn; see `requestHeaders`. */
  readonly headers: string[];
  /** `true`: the function may set the platform's cookies. */
  readonly keepCookies: boolean;
  /** Longest wait for the answer to begin, and for each further part of it. */
  readonly timeoutMs: number;
}

/**
 * How it ended: `done`; `gone`, the visitor left; `cut`, the answer broke off half-way and the
 * connection was closed; or the status of the error that the caller is to show, as nothing was sent.
 */
export type ForwardResult = 'done' | 'gone' | 'cut' | FailureStatus;

/** The statuses of pages that stand for an answer of the gateway's own, or for none. */
export type FailureStatus = 404 | 429 | 502 | 503 | 504;

/**
 * Streams a request to the gateway and the answer back, with back-pressure both ways and nothing
 * kept. If the visitor leaves, the upstream request is aborted.
 */
export function forward(
  upstream: Dispatcher,
  request: IncomingMessage,
  response: ServerResponse,
  { path, headers, keepCookies, timeoutMs }: ForwardRequest,
): Promise<ForwardResult> {
  return new Promise((settle) => {
    let abort: ((reason?: Error) => void) | undefined;
    let ended = false;
    const end = (result: ForwardResult): void => {
      if (ended) return;
      ended = true;
      response.off('close', onClose);
      settle(result);
    };
    const onClose = (): void => {
      end('gone');
      abort?.();
    };
    // A visitor may have left while the decision was made; then "close" has been emitted already.
    if (response.destroyed) return end('gone');
    response.on('close', onClose);

    let began = false;
    const handlers: Dispatcher.DispatchHandlers = {
      onConnect(abortRequest) {
        abort = abortRequest;
        if (ended) abortRequest();
      },
      onHeaders(status, rawHeaders, resume) {
        if (status < 200) return true;
        const raw = rawHeaders.map((part) => part.toString('latin1'));
        const failure = gatewayFailure(status, raw);
        if (failure !== undefined) {
          end(failure);
          abort?.();
          return true;
        }
        response.writeHead(status, responseHeaders(raw, keepCookies));
        response.on('drain', resume);
        // Headers go out with the first bytes; if none came with them, alone: a stream may wait.
        process.nextTick(() => {
          if (!began && !ended) response.flushHeaders();
        });
        return true;
      },
      onData(chunk) {
        began = true;
        return response.write(chunk);
      },
      onComplete() {
        response.end();
        end('done');
      },
      onError(error) {
        if (ended) return;
        if (response.headersSent) {
          end('cut');
          response.destroy();
        } else {
          end(isTimeout(error) ? 504 : 502);
        }
      },
    };
    upstream.dispatch(
      {
        path,
        method: request.method as Dispatcher.HttpMethod,
        headers,
        body: hasBody(request) ? bodyOf(request) : null,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      },
      handlers,
    );
  });
}

/**
 * The request's body as an iterable, which undici takes though its types do not say so. Not the
 * request itself: undici destroys a stream whose upload failed, and with it the connection on which
 * we are to answer 502.
 */
function bodyOf(request: IncomingMessage): Readable {
  return request.iterator({ destroyOnReturn: false }) as unknown as Readable;
}

/** A request has a body if it says so (RFC 9112 §6.3). */
function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
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

function isTimeout(error: Error): boolean {
  return (
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError ||
    error instanceof errors.ConnectTimeoutError
  );
}
