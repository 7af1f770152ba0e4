import { Http1Error } from './http1-error.ts';
import { areTrailers } from './response-head.ts';

const cr = 0x0d;
const lf = 0x0a;
const maxTrailerBytes = 8 * 1024;
/** 2^40 - 1 bytes in one chunk; more digits are a trick. */
const maxSizeDigits = 10;

type State = 'size' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailers';

/**
 * Takes a chunked body apart (RFC 9112 §7.1) as it arrives, strictly: hexadecimal sizes, CRLF, no
 * extensions. Trailers are read and dropped (§7.1.2 allows it).
 */
export class ChunkedDecoder {
  #state: State = 'size';
  #digits = 0;
  #size = 0;
  #trailers = '';

  /**
   * Reads `bytes` from `at` on and appends the data in it to `data`, as views of `bytes`.
   *
   * @returns Where the body ended, or -1 if it goes on.
   * @throws Http1Error `protocol`
   */
  decode(bytes: Buffer, at: number, data: Buffer[]): number {
    let next = at;
    while (next < bytes.length) {
      if (this.#state === 'data') {
        const end = Math.min(next + this.#size, bytes.length);
        data.push(bytes.subarray(next, end));
        this.#size -= end - next;
        next = end;
        if (this.#size === 0) this.#state = 'data-cr';
      } else if (this.#state === 'trailers') {
        const end = this.#readTrailers(bytes, next);
        if (end !== -1) return end;
        next = bytes.length;
      } else {
        this.#readFraming(bytes[next++] ?? 0);
      }
    }
    return -1;
  }

  #readFraming(byte: number): void {
    if (this.#state === 'size') {
      if (byte === cr && this.#digits > 0) {
        this.#state = 'size-lf';
        return;
      }
      const digit = hexDigit(byte);
      if (digit === -1 || ++this.#digits > maxSizeDigits) throw malformed();
      this.#size = this.#size * 16 + digit;
    } else if (this.#state === 'data-cr') {
      if (byte !== cr) throw malformed();
      this.#state = 'data-lf';
    } else {
      if (byte !== lf) throw malformed();
      if (this.#state === 'size-lf') this.#state = this.#size === 0 ? 'trailers' : 'data';
      else this.#state = 'size';
      this.#digits = 0;
    }
  }

  #readTrailers(bytes: Buffer, from: number): number {
    const before = this.#trailers.length;
    this.#trailers += bytes.toString(
      'latin1',
      from,
      Math.min(bytes.length, from + maxTrailerBytes),
    );
    const empty = this.#trailers.startsWith('\r\n') ? 0 : this.#trailers.indexOf('\r\n\r\n') + 2;
    if (empty === 1) {
      if (this.#trailers.length >= maxTrailerBytes) throw malformed();
      return -1;
    }
    if (!areTrailers(this.#trailers.slice(0, empty))) throw malformed();
    return from + empty + 2 - before;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function malformed(): Http1Error {
  return new Http1Error('protocol', 'The chunks of the answer cannot be read.');
}
