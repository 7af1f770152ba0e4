import { ConnectionPool } from './connection-pool.ts';
import { ExchangeUnderWay } from './exchange-under-way.ts';
import type { Http1Error } from './http1-error.ts';
import { type RequestBody, requestHead } from './request-head.ts';
import type { ResponsePart } from './response-reader.ts';

/** A request; its body follows by {@link Exchange.write}. */
export interface Http1Request {
  readonly method: string;
  /** Path and query, sent byte for byte. */
  readonly path: string;
  /** Names and values in turn; without Host and fields that frame the body. */
  readonly headers: readonly string[];
  readonly body: RequestBody;
  /** Longest wait for progress: for the connection, a piece of the body, the answer, each part of it. */
  readonly timeoutMs: number;
}

/** Whoever waits for an answer. Exactly one call ends the exchange: a part that is `done`, or a failure. */
export interface AnswerHandler {
  /** The part's bytes may be overwritten afterwards. `false` asks to wait until {@link Exchange.resume}. */
  onPart(part: ResponsePart): boolean;
  /** More of the body is welcome. */
  onDrain(): void;
  onFailure(error: Http1Error): void;
}

/** A request under way. */
export interface Exchange {
  /** Sends a piece of the body; `false` asks to wait for `onDrain`. */
  write(piece: Buffer): boolean;
  end(): void;
  /** Takes further parts, after `onPart` said `false`. */
  resume(): void;
  /** Gives up; the handler hears no more. */
  abort(): void;
}

/** Requests to one server over kept connections. */
export interface Http1Client {
  /** @throws Http1Error `protocol` if the request cannot be written safely. */
  request(request: Http1Request, handler: AnswerHandler): Exchange;
  close(): void;
}

interface Http1ClientOptions {
  readonly origin: URL;
  readonly connectTimeoutMs?: number;
  /** Idle connections are closed after this time; shorter than the server's own limit. */
  readonly idleMs?: number;
}

/**
 * Makes an {@link Http1Client}: HTTP/1.1, one request at a time on each connection, no pipelining.
 *
 * A request is sent again, once and on a new connection, only if it is idempotent, has no body, went
 * out on a kept connection, and that was lost before a byte of the answer came (RFC 9112 §9.3.1).
 */
export function createHttp1Client(options: Http1ClientOptions): Http1Client {
  const { origin, connectTimeoutMs = 10_000, idleMs = 15_000 } = options;
  const pool = new ConnectionPool({ origin, connectTimeoutMs, idleMs });
  return {
    request({ method, path, headers, body, timeoutMs }, handler) {
      const head = requestHead(method, path, origin.host, headers, body);
      const exchange = new ExchangeUnderWay(pool, { method, head, body, timeoutMs }, handler);
      pool.carry(exchange);
      return exchange;
    },
    close: () => pool.close(),
  };
}
