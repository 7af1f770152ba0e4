import { createHash } from 'node:crypto';
import { S3Error } from './s3-error.ts';
import { equal, type SignedPayload } from './sigv4.ts';

const maxLine = 8 * 1024;
const emptyDigest = createHash('sha256').digest('hex');

/**
 * Takes a body in `aws-chunked` encoding apart: yields the data, checks the signature of each chunk
 * where they are signed, and gives the trailing headers to `onTrailers` before it ends.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 * @throws S3Error from the iteration: what was yielded before must then be thrown away.
 */
export async function* decodeChunked(
  source: AsyncIterable<Buffer>,
  signed: SignedPayload,
  onTrailers: (trailers: ReadonlyMap<string, string>) => void,
): AsyncGenerator<Buffer> {
  const reader = new ByteReader(source);
  const withSignatures = signed.payload.startsWith('STREAMING-AWS4-HMAC-SHA256-');
  let previous = signed.signature;
  for (;;) {
    const [, hex, signature] =
      /^([0-9a-fA-F]{1,10})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(await reader.line()) ?? [];
    if (hex === undefined) throw new S3Error('InvalidRequest', 'A chunk header is malformed.');
    const size = Number.parseInt(hex, 16);
    const digest = createHash('sha256');
    for await (const part of reader.take(size)) {
      if (withSignatures) digest.update(part);
      yield part;
    }
    if (withSignatures) {
      const digests = `${emptyDigest}\n${digest.digest('hex')}`;
      previous = matching(signature, signed.signChunk('PAYLOAD', previous, digests));
    }
    if (size === 0) break;
    if ((await reader.line()) !== '') throw new S3Error('InvalidRequest', 'A chunk is too long.');
  }
  const trailers = await readTrailers(reader);
  if (withSignatures && signed.payload.endsWith('-TRAILER')) {
    const signature = trailers.get('x-amz-trailer-signature');
    trailers.delete('x-amz-trailer-signature');
    const text = [...trailers].map(([name, value]) => `${name}:${value}\n`).join('');
    const digest = createHash('sha256').update(text).digest('hex');
    matching(signature, signed.signChunk('TRAILER', previous, digest));
  }
  onTrailers(trailers);
}

function matching(given: string | undefined, expected: string): string {
  if (given !== undefined && equal(given, expected)) return expected;
  throw new S3Error('SignatureDoesNotMatch', 'The signature of a chunk does not match.');
}

async function readTrailers(reader: ByteReader): Promise<Map<string, string>> {
  const trailers = new Map<string, string>();
  for (;;) {
    const line = await reader.line();
    if (line === '') return trailers;
    const colon = line.indexOf(':');
    if (colon < 1 || trailers.size > 8) {
      throw new S3Error('InvalidRequest', 'A trailing header is malformed.');
    }
    trailers.set(line.slice(0, colon).toLowerCase().trim(), line.slice(colon + 1).trim());
  }
}

/** Lines and runs of bytes out of a stream of buffers. */
class ByteReader {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async #more(): Promise<Buffer> {
    const { done, value } = await this.#source.next();
    if (done) throw new S3Error('IncompleteBody', 'The body ends in the middle of a chunk.');
    return value;
  }

  /** The bytes up to the next CRLF, which is taken too. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf('\r\n');
      if (end >= 0) {
        const line = this.#rest.toString('latin1', 0, end);
        this.#rest = this.#rest.subarray(end + 2);
        return line;
      }
      if (this.#rest.length > maxLine) throw new S3Error('InvalidRequest', 'A line is too long.');
      this.#rest = Buffer.concat([this.#rest, await this.#more()]);
    }
  }

  /** Exactly `size` bytes, in parts as they come. */
  async *take(size: number): AsyncGenerator<Buffer> {
    let left = size;
    while (left > 0) {
      if (this.#rest.length === 0) this.#rest = await this.#more();
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }
}
