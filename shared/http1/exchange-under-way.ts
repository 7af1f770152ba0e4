import type { Carried, Connection } from './connection.ts';
import type { ConnectionPool } from './connection-pool.ts';
import type { AnswerHandler, Exchange } from './http1-client.ts';
import type { Http1Error } from './http1-error.ts';
import type { RequestBody } from './request-head.ts';
import type { ResponsePart } from './response-reader.ts';

/** A request as it is sent. */
interface Outgoing {
  readonly method: string;
  readonly head: string;
  readonly body: RequestBody;
  readonly timeoutMs: number;
}

/** Methods that may be sent twice (RFC 9110 §9.2.2). */
const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** A request on its way, between whoever waits for the answer and the connections that carry it. */
export class ExchangeUnderWay implements Carried, Exchange {
  readonly method: string;
  readonly head: string;
  readonly body: RequestBody;
  readonly timeoutMs: number;
  /** It has ended; the connection may be another exchange's since. */
  over = false;
  readonly #pool: ConnectionPool;
  readonly #handler: AnswerHandler;
  #connection: Connection | undefined;
  #repeatable = false;
  #repeated = false;

  constructor(pool: ConnectionPool, outgoing: Outgoing, handler: AnswerHandler) {
    this.method = outgoing.method;
    this.head = outgoing.head;
    this.body = outgoing.body;
    this.timeoutMs = outgoing.timeoutMs;
    this.#pool = pool;
    this.#handler = handler;
  }

  /** Sends it on this connection. */
  sendOn(connection: Connection): void {
    this.#connection = connection;
    this.#repeatable =
      !this.#repeated &&
      connection.served > 0 &&
      this.body === 'none' &&
      idempotent.has(this.method);
    connection.carry(this);
  }

  /** There was progress. */
  touch(): void {
    if (this.#connection !== undefined) {
      this.#connection.deadline = performance.now() + this.timeoutMs;
    }
  }

  onConnected(): void {
    this.touch();
  }

  onPart(part: ResponsePart): boolean {
    if (part.done) {
      this.over = true;
      return this.#handler.onPart(part);
    }
    this.touch();
    const more = this.#handler.onPart(part);
    // Then it is the other side that we wait for.
    if (!more && this.#connection !== undefined) {
      this.#connection.deadline = Number.POSITIVE_INFINITY;
    }
    return more;
  }

  onDrain(): void {
    this.touch();
    this.#handler.onDrain();
  }

  onFailure(error: Http1Error): void {
    if (this.#repeatable && error.failure === 'lost' && this.#connection?.answering !== true) {
      this.#repeated = true;
      this.#pool.carryAnew(this);
      return;
    }
    this.over = true;
    this.#handler.onFailure(error);
  }

  write(piece: Buffer): boolean {
    if (this.over) return true;
    this.touch();
    return this.#connection?.write(piece) ?? true;
  }

  end(): void {
    if (this.over) return;
    this.touch();
    this.#connection?.end();
  }

  resume(): void {
    if (this.over) return;
    this.touch();
    this.#connection?.resume();
  }

  abort(): void {
    if (this.over) return;
    this.over = true;
    this.#connection?.destroy();
  }
}
