import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';

/** The one identity of the store. */
export interface S3Identity {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
}

/** What a checked signature says about the body. */
export interface SignedPayload {
  /** `x-amz-content-sha256`: a digest, `UNSIGNED-PAYLOAD` or one of the `STREAMING-…` values. */
  readonly payload: string;
  /** For the signatures of chunks: the request's signature, and how the next one is made. */
  readonly signature: string;
  readonly signChunk: (kind: 'PAYLOAD' | 'TRAILER', previous: string, digests: string) => string;
}

interface Claim {
  readonly credential: readonly string[];
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly date: string;
  readonly payload: string;
  readonly presigned: boolean;
}

const algorithm = 'AWS4-HMAC-SHA256';
const maxSkewMs = 15 * 60_000;
const maxExpiresSeconds = 7 * 24 * 3600;

/**
 * Checks Signature Version 4, from the Authorization header or from a presigned query.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 * @throws S3Error if the request is not signed by the identity, or not now.
 */
export function verifySignature(
  request: S3Request,
  identity: S3Identity,
  now: number,
): SignedPayload {
  const claim = request.query.has('X-Amz-Algorithm') ? fromQuery(request) : fromHeader(request);
  const [accessKey = '', day = '', region = '', service, terminator, ...more] = claim.credential;
  if (service !== 's3' || terminator !== 'aws4_request' || more.length > 0) {
    throw new S3Error('AuthorizationHeaderMalformed', 'The credential scope is malformed.');
  }
  if (!equal(accessKey, identity.accessKey)) {
    throw new S3Error('InvalidAccessKeyId', 'The access key is not known here.');
  }
  if (region !== identity.region) {
    throw new S3Error(
      'AuthorizationHeaderMalformed',
      `The region '${region}' is wrong; expecting '${identity.region}'.`,
    );
  }
  checkTime(claim, request, day, now);
  checkSignedHeaders(claim, request);

  const scope = `${day}/${region}/s3/aws4_request`;
  const key = signingKey(identity, day);
  const sign = (kind: string, rest: string): string =>
    hmac(key, [algorithm + kind, claim.date, scope, rest].join('\n')).toString('hex');
  const expected = sign('', sha256(canonicalRequest(request, claim)));
  if (!equal(claim.signature, expected)) {
    throw new S3Error('SignatureDoesNotMatch', 'The signature does not match the request.');
  }
  return {
    payload: claim.payload,
    signature: expected,
    signChunk: (kind, previous, digests) => sign(`-${kind}`, `${previous}\n${digests}`),
  };
}

/** Whether two texts are equal, in a time that does not tell where they differ. */
export function equal(a: string, b: string): boolean {
  const left = createHash('sha256').update(a).digest();
  return timingSafeEqual(left, createHash('sha256').update(b).digest());
}

function fromHeader({ headers }: S3Request): Claim {
  const header = headers.get('authorization');
  if (header === undefined) throw new S3Error('AccessDenied', 'Anonymous access is not allowed.');
  const found =
    /^AWS4-HMAC-SHA256 +Credential=([^, ]+), *SignedHeaders=([^, ]+), *Signature=([0-9a-f]{64})$/.exec(
      header,
    );
  if (found === null) {
    throw new S3Error('AuthorizationHeaderMalformed', 'The Authorization header is malformed.');
  }
  const payload = headers.get('x-amz-content-sha256');
  if (payload === undefined) {
    throw new S3Error('InvalidRequest', 'The header x-amz-content-sha256 is missing.');
  }
  const [, credential = '', signedHeaders = '', signature = ''] = found;
  return {
    credential: credential.split('/'),
    signedHeaders: signedHeaders.split(';'),
    signature,
    date: headers.get('x-amz-date') ?? '',
    payload,
    presigned: false,
  };
}

function fromQuery({ query, method }: S3Request): Claim {
  if (query.get('X-Amz-Algorithm') !== algorithm || (method !== 'GET' && method !== 'HEAD')) {
    throw new S3Error('InvalidRequest', `Presigned requests are GET or HEAD with ${algorithm}.`);
  }
  return {
    credential: (query.get('X-Amz-Credential') ?? '').split('/'),
    signedHeaders: (query.get('X-Amz-SignedHeaders') ?? '').split(';'),
    signature: query.get('X-Amz-Signature') ?? '',
    date: query.get('X-Amz-Date') ?? '',
    payload: query.get('X-Amz-Content-Sha256') ?? 'UNSIGNED-PAYLOAD',
    presigned: true,
  };
}

function checkTime(claim: Claim, { query }: S3Request, day: string, now: number): void {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(claim.date)?.slice(1);
  if (parts === undefined || !claim.date.startsWith(`${day}T`)) {
    throw new S3Error('AccessDenied', 'A valid x-amz-date of the credential’s day is required.');
  }
  const [year = 0, month = 0, ...rest] = parts.map(Number);
  const age = now - Date.UTC(year, month - 1, ...rest);
  if (!claim.presigned) {
    if (Math.abs(age) <= maxSkewMs) return;
    throw new S3Error('RequestTimeTooSkewed', 'The request’s time differs too much from ours.');
  }
  const expires = query.get('X-Amz-Expires') ?? '';
  if (!/^\d{1,6}$/.test(expires) || Number(expires) < 1 || Number(expires) > maxExpiresSeconds) {
    throw new S3Error('InvalidArgument', 'X-Amz-Expires must be from 1 to 604800 seconds.');
  }
  if (age > Number(expires) * 1000) throw new S3Error('AccessDenied', 'Request has expired.');
  if (age < -maxSkewMs) throw new S3Error('AccessDenied', 'Request is not valid yet.');
}

/** What steers us must be signed, or somebody on the way could add it. */
function checkSignedHeaders(claim: Claim, { headers }: S3Request): void {
  const signed = new Set(claim.signedHeaders);
  for (const name of ['host', ...headers.keys()]) {
    if ((name === 'host' || name.startsWith('x-amz-')) && !signed.has(name)) {
      throw new S3Error('AccessDenied', `The header ${name} is not signed.`);
    }
  }
}

function canonicalRequest({ method, path, query, headers }: S3Request, claim: Claim): string {
  const parameters = [...query]
    .filter(([name]) => !(claim.presigned && name === 'X-Amz-Signature'))
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort();
  const lines = claim.signedHeaders.map(
    (name) => `${name}:${(headers.get(name) ?? '').replace(/ +/g, ' ')}\n`,
  );
  return [
    method,
    encode(path).replaceAll('%2F', '/'),
    parameters.join('&'),
    lines.join(''),
    claim.signedHeaders.join(';'),
    claim.payload,
  ].join('\n');
}

function encode(binary: string): string {
  return binary.replace(
    /[^A-Za-z0-9_.~-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** The key of the newest day: it takes four rounds, and all requests of a day have the same. */
let newest: { readonly for: S3Identity; readonly day: string; readonly key: Buffer } | undefined;

function signingKey(identity: S3Identity, day: string): Buffer {
  if (newest?.for === identity && newest.day === day) return newest.key;
  const key = deriveKey(identity, day);
  newest = { for: identity, day, key };
  return key;
}

function deriveKey({ secretKey, region }: S3Identity, day: string): Buffer {
  return [day, region, 's3', 'aws4_request'].reduce<Buffer>(
    (key, part) => hmac(key, part),
    Buffer.from(`AWS4${secretKey}`),
  );
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
