import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import { type Signer, signatureHeader } from './signature.ts';

/** The parts of a function's event that messages are read from. */
export interface ReceivedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Without the question mark; empty if there is none. */
  readonly rawQuery: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly rawBody: Buffer;
}

/** Messages name things; what is large lies in the object store (the CE queue takes 256,000 bytes). */
export const maxMessageBytes = 32 * 1024;

/** A header's value; `undefined` if it is absent or given more than once. */
export function singleHeader(request: ReceivedRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** Path and query as a signature covers them. */
export function signedPath({ path, rawQuery }: ReceivedRequest): string {
  return rawQuery === '' ? path : `${path}?${rawQuery}`;
}

/**
 * Checks the signature on a request's raw bytes.
 *
 * @param receiver The function that this is.
 * @throws CloudError `OFC_UNAUTHENTICATED`
 */
export function verifyRequest(
  signer: Signer,
  receiver: string,
  request: ReceivedRequest,
  maxAgeSeconds?: number,
): void {
  const parts = {
    receiver,
    method: request.method,
    path: signedPath(request),
    body: request.rawBody,
  };
  signer.verify(parts, singleHeader(request, signatureHeader), maxAgeSeconds);
}

/**
 * A signed message's content. Nothing is parsed before the signature holds.
 *
 * @throws CloudError `OFC_UNAUTHENTICATED`, `OFC_TOO_LARGE` or `OFC_BAD_REQUEST`
 */
export function receiveMessage<Schema extends v.GenericSchema>(
  signer: Signer,
  receiver: string,
  request: ReceivedRequest,
  schema: Schema,
  maxBytes: number = maxMessageBytes,
): v.InferOutput<Schema> {
  if (request.rawBody.length > maxBytes) {
    throw new CloudError('OFC_TOO_LARGE', `A message for ${receiver} is over ${maxBytes} bytes.`);
  }
  verifyRequest(signer, receiver, request);
  const parsed = v.safeParse(
    v.pipe(v.string(), v.parseJson(), schema),
    request.rawBody.toString('utf8'),
  );
  if (parsed.success) return parsed.output;
  const where = v.getDotPath(parsed.issues[0]) ?? 'body';
  throw new CloudError(
    'OFC_BAD_REQUEST',
    `A message for ${receiver} is malformed at ${where}: ${parsed.issues[0].message}.`,
  );
}
