import { Connection, type ConnectionEvents } from './connection.ts';
import type { ExchangeUnderWay } from './exchange-under-way.ts';
import { Http1Error } from './http1-error.ts';

interface PoolOptions {
  readonly origin: URL;
  readonly connectTimeoutMs: number;
  /** Idle connections are closed after this time. */
  readonly idleMs: number;
}

/** How often deadlines are looked at: one timer for all costs less than one for each request. */
const sweepMs = 100;

/** Kept connections to one server. */
export class ConnectionPool implements ConnectionEvents {
  readonly #options: PoolOptions;
  readonly #open = new Set<Connection>();
  /** The one used last is used first, so that those which are not needed age. */
  readonly #idle: Connection[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#sweep(), sweepMs);
    this.#timer.unref();
  }

  /** Sends an exchange on a kept connection, or on a new one. */
  carry(exchange: ExchangeUnderWay): void {
    const kept = this.#takeIdle();
    if (kept === undefined) {
      this.carryAnew(exchange);
    } else {
      exchange.sendOn(kept);
      exchange.touch();
    }
  }

  /** Sends an exchange on a new connection. */
  carryAnew(exchange: ExchangeUnderWay): void {
    const connection = new Connection(this.#options.origin, this);
    this.#open.add(connection);
    const { connectTimeoutMs } = this.#options;
    connection.deadline = performance.now() + Math.min(exchange.timeoutMs, connectTimeoutMs);
    exchange.sendOn(connection);
  }

  onIdle(connection: Connection): void {
    connection.deadline = performance.now() + this.#options.idleMs;
    this.#idle.push(connection);
  }

  onClosed(connection: Connection): void {
    this.#open.delete(connection);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const connection of this.#open) connection.destroy();
  }

  #takeIdle(): Connection | undefined {
    for (;;) {
      const kept = this.#idle.pop();
      if (kept === undefined || !kept.closed) return kept;
    }
  }

  #sweep(): void {
    const now = performance.now();
    for (const connection of this.#open) {
      // An idle one has nobody who would have to be told.
      if (connection.deadline <= now) {
        connection.fail(new Http1Error('timeout', 'The server did not answer in time.'));
      }
    }
    while (this.#idle[0]?.closed) this.#idle.shift();
  }
}
