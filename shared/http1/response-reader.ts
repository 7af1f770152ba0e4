import { ChunkedDecoder } from './chunked-decoder.ts';
import { Http1Error } from './http1-error.ts';
import { maxHeadBytes, parseResponseHead, type ResponseHead } from './response-head.ts';

/** What one read of the connection added to an answer. */
export interface ResponsePart {
  /** With the part in which it became complete. */
  readonly head: ResponseHead | undefined;
  /** Pieces of the body, views of the bytes that were read. */
  readonly data: Buffer[];
  readonly done: boolean;
}

/** Interim answers (1xx) before the one that counts; more are refused. */
const maxInterim = 8;

/** Reads one answer from the bytes of a connection. */
export class ResponseReader {
  /** `true` once anything came. */
  begun = false;
  /** `true`: bytes came behind the end of the answer; the connection is of no more use. */
  tainted = false;
  head: ResponseHead | undefined;
  readonly #method: string;
  #interim = 0;
  #pending: Buffer | undefined;
  #left = 0;
  #chunks: ChunkedDecoder | undefined;

  constructor(method: string) {
    this.#method = method;
  }

  /** @throws Http1Error `protocol` */
  read(received: Buffer): ResponsePart {
    this.begun = true;
    const data: Buffer[] = [];
    if (this.head !== undefined) {
      return { head: undefined, data, done: this.#readBody(received, 0, data) };
    }
    const bytes = this.#pending === undefined ? received : Buffer.concat([this.#pending, received]);
    const at = this.#readHead(bytes);
    if (at === -1) return { head: undefined, data, done: false };
    return { head: this.head, data, done: this.#readBody(bytes, at, data) };
  }

  /**
   * Says that the server closed its side.
   *
   * @returns Whether that was the proper end of the answer.
   */
  finish(): boolean {
    return this.head?.body === 'close';
  }

  /** Where the body begins, or -1 while the head is not complete. */
  #readHead(bytes: Buffer): number {
    let at = 0;
    for (;;) {
      const end = bytes.indexOf('\r\n\r\n', at, 'latin1');
      if (end === -1 ? bytes.length - at > maxHeadBytes : end - at > maxHeadBytes) {
        throw new Http1Error('protocol', 'The head of the answer is too long.');
      }
      if (end === -1) {
        this.#pending = Buffer.from(bytes.subarray(at));
        return -1;
      }
      const head = parseResponseHead(bytes.toString('latin1', at, end + 2), this.#method);
      at = end + 4;
      if (head.status >= 200) {
        this.head = head;
        if (head.body === 'chunked') this.#chunks = new ChunkedDecoder();
        else if (head.body !== 'close') this.#left = head.body;
        this.#pending = undefined;
        return at;
      }
      // Nobody asked for another protocol; 100 and 103 are for the hop they come from.
      if (head.status === 101 || ++this.#interim > maxInterim) {
        throw new Http1Error('protocol', 'The answer begins with interim answers out of place.');
      }
    }
  }

  #readBody(bytes: Buffer, at: number, data: Buffer[]): boolean {
    if (this.#chunks !== undefined) {
      const end = this.#chunks.decode(bytes, at, data);
      this.tainted = end !== -1 && end < bytes.length;
      return end !== -1;
    }
    if (this.head?.body === 'close') {
      if (at < bytes.length) data.push(bytes.subarray(at));
      return false;
    }
    const end = Math.min(at + this.#left, bytes.length);
    if (end > at) data.push(bytes.subarray(at, end));
    this.#left -= end - at;
    this.tainted = this.#left === 0 && end < bytes.length;
    return this.#left === 0;
  }
}
