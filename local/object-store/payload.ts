import { createHash } from 'node:crypto';
import { decodeChunked } from './aws-chunked.ts';
import { type Checksum, checksumName, startChecksum } from './checksums.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import { equal, type SignedPayload } from './sigv4.ts';

/** The checksum that the client sent and we confirmed; kept so that a reader can check it again. */
export interface ConfirmedChecksum {
  readonly name: string;
  readonly value: string;
}

/** A request's body on its way in. `checksum()` is known once `data` has ended without an error. */
export interface Payload {
  readonly data: AsyncIterable<Buffer>;
  readonly checksum: () => ConfirmedChecksum | undefined;
}

const maxSize = 5 * 1024 ** 3;

/**
 * The body of a signed request: decoded, and checked against the declared length, the signed
 * SHA-256, `Content-MD5` and any `x-amz-checksum-…`, in a header or a trailer. The iteration throws
 * an S3Error at the end if anything differs, so a reader keeps nothing until it has finished.
 *
 * @throws S3Error at once if what is declared makes no sense.
 */
export function readPayload(request: S3Request, signed: SignedPayload): Payload {
  const { headers, message } = request;
  const streaming = signed.payload.startsWith('STREAMING-');
  if (
    !/^(?:[0-9a-f]{64}|UNSIGNED-PAYLOAD|STREAMING-(?:AWS4-HMAC-SHA256-PAYLOAD(?:-TRAILER)?|UNSIGNED-PAYLOAD-TRAILER))$/.test(
      signed.payload,
    )
  ) {
    throw new S3Error('InvalidArgument', 'x-amz-content-sha256 is not valid.');
  }
  const size = declaredSize(
    headers.get(streaming ? 'x-amz-decoded-content-length' : 'content-length'),
  );
  const expected = new Map<string, string>();
  for (const [header, value] of headers) {
    const name = checksumName(header);
    if (name !== undefined) expected.set(name, value);
  }
  const trailing = headers
    .get('x-amz-trailer')
    ?.split(',')
    .map((name) => name.trim().toLowerCase());
  const names = new Set([
    ...expected.keys(),
    ...(trailing ?? []).flatMap((t) => checksumName(t) ?? []),
  ]);
  const running = new Map<string, Checksum>([...names].map((name) => [name, startChecksum(name)]));
  let confirmed: ConfirmedChecksum | undefined;

  const onTrailers = (trailers: ReadonlyMap<string, string>): void => {
    for (const header of trailing ?? []) {
      const name = checksumName(header);
      const value = trailers.get(header);
      if (value === undefined)
        throw new S3Error('InvalidRequest', `The trailer ${header} is missing.`);
      if (name !== undefined) expected.set(name, value);
    }
  };

  async function* data(): AsyncGenerator<Buffer> {
    const sha256 = /^[0-9a-f]{64}$/.test(signed.payload) ? createHash('sha256') : undefined;
    const md5 = headers.has('content-md5') ? createHash('md5') : undefined;
    let seen = 0;
    // A refusal must not close the connection on which its answer has to go.
    const raw = message.iterator({ destroyOnReturn: false });
    for await (const chunk of streaming ? decodeChunked(raw, signed, onTrailers) : raw) {
      seen += chunk.length;
      if (seen > size) throw new S3Error('IncompleteBody', 'The body is longer than declared.');
      sha256?.update(chunk);
      md5?.update(chunk);
      for (const checksum of running.values()) checksum.update(chunk);
      yield chunk;
    }
    if (seen < size) throw new S3Error('IncompleteBody', 'The body is shorter than declared.');
    if (sha256 !== undefined && !equal(sha256.digest('hex'), signed.payload)) {
      throw new S3Error('XAmzContentSHA256Mismatch', 'The body does not have the signed SHA-256.');
    }
    if (md5 !== undefined && md5.digest('base64') !== headers.get('content-md5')) {
      throw new S3Error('BadDigest', 'The body does not have the given Content-MD5.');
    }
    for (const [name, checksum] of running) {
      const value = checksum.digest();
      if (value !== expected.get(name)) {
        throw new S3Error('BadDigest', `The body does not have the given ${name}.`);
      }
      confirmed = { name, value };
    }
  }

  return { data: data(), checksum: () => confirmed };
}

/** The whole body of a request that must be small, such as a list in XML. */
export async function readSmall({ data }: Payload, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of data) {
    size += chunk.length;
    if (size > limit) throw new S3Error('EntityTooLarge', `The body is over ${limit} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function declaredSize(text: string | undefined): number {
  if (text === undefined) throw new S3Error('MissingContentLength', 'The length must be declared.');
  if (!/^\d{1,15}$/.test(text)) throw new S3Error('InvalidArgument', 'The length is not a number.');
  const size = Number(text);
  if (size > maxSize) throw new S3Error('EntityTooLarge', 'One upload has at most 5 GiB.');
  return size;
}
