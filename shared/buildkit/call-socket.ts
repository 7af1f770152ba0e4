import { Duplex } from 'node:stream';
import { create } from '@bufbuild/protobuf';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { type BytesMessage, BytesMessageSchema } from './generated/control_pb.ts';

/**
 * A call that carries bytes both ways, as a connection: with back-pressure, and with the few methods of
 * a socket that HTTP/2 asks for.
 */
export class CallSocket extends Duplex {
  readonly #call: ClientDuplexStream<BytesMessage, BytesMessage>;

  constructor(call: ClientDuplexStream<BytesMessage, BytesMessage>) {
    super();
    this.#call = call;
    call.on('data', ({ data }: BytesMessage) => {
      if (!this.push(data)) call.pause();
    });
    call.on('end', () => this.push(null));
    call.on('error', (error) => this.destroy(error));
  }

  override _read(): void {
    this.#call.resume();
  }

  override _write(data: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#call.write(create(BytesMessageSchema, { data }), done);
  }

  override _final(done: () => void): void {
    this.#call.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#call.cancel();
    done(error);
  }

  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}
