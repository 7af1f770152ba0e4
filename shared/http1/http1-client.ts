import { type Carried, Connection } from './connection.ts';
import { Http1Error } from './http1-error.ts';
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
  /** `false` asks to wait until {@link Exchange.resume}. */
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

/** Methods that may be sent twice (RFC 9110 §9.2.2). */
const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** How often deadlines are looked at: one timer for all costs less than one for each request. */
const sweepMs = 100;

/**
 * Makes an {@link Http1Client}: HTTP/1.1, one request at a time on each connection, no pipelining.
 *
 * A request is sent again, once and on a new connection, only if it is idempotent, has no body, went
 * out on a kept connection, and that was lost before a byte of the answer came (RFC 9112 §9.3.1).
 */
export function createHttp1Client(options: Http1ClientOptions): Http1Client {
  const { origin, connectTimeoutMs = 10_000, idleMs = 15_000 } = options;
  /** The one used last is used first, so that those which are not needed age. */
  const idle: Connection[] = [];
  const busy = new Set<Connection>();

  const sweep = setInterval(() => {
    const now = performance.now();
    for (const connection of busy) {
      if (connection.deadline > now) continue;
      connection.fail(new Http1Error('timeout', 'The server did not answer in time.'));
    }
    while (idle[0] !== undefined && (idle[0].closed || idle[0].deadline <= now)) {
      idle.shift()?.destroy();
    }
  }, sweepMs);
  sweep.unref();

  const open = (): Connection =>
    new Connection(origin, {
      onIdle(connection) {
        busy.delete(connection);
        connection.deadline = performance.now() + idleMs;
        idle.push(connection);
      },
      onClosed: (connection) => void busy.delete(connection),
    });
  const take = (): Connection => {
    for (;;) {
      const kept = idle.pop();
      if (kept === undefined) return open();
      if (!kept.closed) return kept;
    }
  };

  return {
    request({ method, path, headers, body, timeoutMs }, handler) {
      const head = requestHead(method, path, origin.host, headers, body);
      let connection = take();
      let over = false;
      let repeatable = body === 'none' && idempotent.has(method) && connection.served > 0;
      const touch = () => {
        connection.deadline = performance.now() + timeoutMs;
      };
      const carried: Carried = {
        method,
        head,
        body,
        onPart(part) {
          if (part.done) {
            over = true;
            return handler.onPart(part);
          }
          touch();
          const more = handler.onPart(part);
          // Then it is the other side that we wait for.
          if (!more) connection.deadline = Number.POSITIVE_INFINITY;
          return more;
        },
        onConnected: touch,
        onDrain() {
          touch();
          handler.onDrain();
        },
        onFailure(error) {
          if (!repeatable || error.failure !== 'lost' || connection.answering) {
            over = true;
            return handler.onFailure(error);
          }
          repeatable = false;
          connection = open();
          send();
        },
      };
      const send = () => {
        busy.add(connection);
        touch();
        if (connection.served === 0 && connectTimeoutMs < timeoutMs) {
          connection.deadline = performance.now() + connectTimeoutMs;
        }
        connection.carry(carried);
      };
      send();
      // Once it is over the connection may be another exchange's.
      return {
        write(piece) {
          if (over) return true;
          touch();
          return connection.write(piece);
        },
        end() {
          if (over) return;
          touch();
          connection.end();
        },
        resume() {
          if (over) return;
          touch();
          connection.resume();
        },
        abort() {
          if (over) return;
          over = true;
          connection.destroy();
        },
      };
    },
    close() {
      clearInterval(sweep);
      for (const connection of [...busy, ...idle]) connection.destroy();
    },
  };
}
