import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Http1Error } from './http1-error.ts';
import type { RequestBody } from './request-head.ts';
import { type ResponsePart, ResponseReader } from './response-reader.ts';

/** One request that is sent and its answer, as a {@link Connection} carries them. */
export interface Carried {
  readonly method: string;
  readonly head: string;
  readonly body: RequestBody;
  /** Gets each part of the answer, whose bytes may be overwritten afterwards; `false` asks to wait until {@link Connection.resume}. */
  onPart(part: ResponsePart): boolean;
  onConnected(): void;
  /** The connection takes more of the body again. */
  onDrain(): void;
  onFailure(error: Http1Error): void;
}

/** What a connection tells its pool. */
export interface ConnectionEvents {
  onIdle(connection: Connection): void;
  onClosed(connection: Connection): void;
}

/**
 * All plain connections read into this memory, one after the other: each read is used up before the next.
 * Memory of its own for each read would cost more than all else that is done with a short answer.
 */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

/** A connection to the server, which carries one exchange at a time. */
export class Connection {
  /** Exchanges that it carried before the current one. */
  served = 0;
  closed = false;
  /** When it is given up, by `performance.now()`; set by whoever uses it. */
  deadline = Number.POSITIVE_INFINITY;
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  #carried: Carried | undefined;
  #reader: ResponseReader | undefined;
  #connected = false;
  #sent = true;

  constructor(origin: URL, events: ConnectionEvents) {
    this.#events = events;
    const secure = origin.protocol === 'https:';
    const host = origin.hostname.replace(/^\[(.*)\]$/, '$1');
    const port = Number(origin.port || (secure ? 443 : 80));
    if (secure) {
      this.#socket = connectTls({ host, port, servername: host, ALPNProtocols: ['http/1.1'] });
      this.#socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    } else {
      const callback = (length: number): true => {
        this.#receive(readBuffer.subarray(0, length));
        return true;
      };
      const onread = { buffer: readBuffer, callback };
      this.#socket = connectTcp({ host, port, noDelay: true, onread });
    }
    this.#socket.on(secure ? 'secureConnect' : 'connect', () => {
      this.#connected = true;
      this.#carried?.onConnected();
    });
    this.#socket.on('drain', () => this.#carried?.onDrain());
    this.#socket.on('end', () => this.#lose(undefined));
    this.#socket.on('error', (error) => this.#lose(error));
    this.#socket.on('close', () => this.#lose(undefined));
  }

  /** Whether anything of the current answer came. */
  get answering(): boolean {
    return this.#reader?.begun ?? false;
  }

  /** Begins an exchange. */
  carry(carried: Carried): void {
    this.#carried = carried;
    this.#reader = new ResponseReader(carried.method);
    this.#sent = carried.body === 'none';
    if (this.#sent) {
      this.#socket.write(carried.head, 'latin1');
    } else {
      // The first of the body mostly comes at once; both then leave together.
      this.#socket.cork();
      this.#socket.write(carried.head, 'latin1');
      process.nextTick(() => this.#socket.uncork());
    }
  }

  /** Sends a piece of the body; `false` asks to wait for `onDrain`. */
  write(piece: Buffer): boolean {
    if (this.#carried?.body !== 'chunked') return this.#socket.write(piece);
    if (piece.length === 0) return true;
    this.#socket.cork();
    this.#socket.write(`${piece.length.toString(16)}\r\n`, 'latin1');
    this.#socket.write(piece);
    const more = this.#socket.write('\r\n', 'latin1');
    this.#socket.uncork();
    return more;
  }

  /** Ends the body. */
  end(): void {
    if (this.#carried?.body === 'chunked') this.#socket.write('0\r\n\r\n', 'latin1');
    this.#sent = true;
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Gives the connection and whatever it carries up, without a word to the exchange. */
  destroy(): void {
    this.#carried = undefined;
    this.#close();
  }

  /** Ends the current exchange as failed. */
  fail(error: Http1Error): void {
    const carried = this.#carried;
    this.destroy();
    carried?.onFailure(error);
  }

  #receive(bytes: Buffer): void {
    const [carried, reader] = [this.#carried, this.#reader];
    // Whoever speaks unasked could answer the next request before it is sent.
    if (carried === undefined || reader === undefined) {
      this.destroy();
      return;
    }
    let part: ResponsePart;
    try {
      part = reader.read(bytes);
    } catch (error) {
      this.fail(error instanceof Http1Error ? error : new Http1Error('protocol', String(error)));
      return;
    }
    if (part.head === undefined && part.data.length === 0 && !part.done) return;
    if (part.done) this.#settle(reader);
    if (!carried.onPart(part) && !part.done) this.#socket.pause();
  }

  /** The answer is complete: the connection is free again, if it can be used again. */
  #settle(reader: ResponseReader): void {
    this.#carried = undefined;
    this.#reader = undefined;
    this.served++;
    if (reader.tainted || !this.#sent || reader.head?.keepAlive !== true) this.#close();
    else this.#events.onIdle(this);
  }

  #lose(error: Error | undefined): void {
    const [carried, reader] = [this.#carried, this.#reader];
    if (carried === undefined) {
      this.#close();
      return;
    }
    if (error === undefined && reader?.finish() === true) {
      this.#settle(reader);
      carried.onPart({ head: undefined, data: [], done: true });
      return;
    }
    const failure = this.#connected ? 'lost' : 'connect';
    this.fail(new Http1Error(failure, error?.message ?? 'The connection was closed.'));
  }

  #close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#socket.destroy();
    this.#events.onClosed(this);
  }
}
