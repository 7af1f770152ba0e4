import type { IncomingMessage, ServerResponse } from 'node:http';
import { Refusal } from './refusal.ts';

/** Whether the request has a body: RFC 9112 §6.3. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/**
 * Tells a caller that waits for `100 Continue` to go on.
 *
 * @throws Refusal 413 if it announces more than `limit` bytes.
 */
export function inviteBody(
  request: IncomingMessage,
  response: ServerResponse,
  limit: number,
): void {
  if (request.headers.expect === undefined) return;
  if (announcesMore(request, limit)) {
    // The body may or may not follow: the connection is of no more use.
    response.shouldKeepAlive = false;
    throw tooLarge(limit);
  }
  response.writeContinue();
}

/** Whether the request announces more than `limit` bytes. */
const announcesMore = (request: IncomingMessage, limit: number): boolean =>
  Number(request.headers['content-length'] ?? 0) > limit;

/**
 * Reads the body whole.
 *
 * @throws Refusal 413 over `limit` bytes. As much again is read and thrown away first, so that a caller
 * who is only a little over gets to read the answer. Error if the caller breaks off.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const refuse = () => reject(tooLarge(limit));
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else chunks.length = 0;
      if (size > 2 * limit) refuse();
    });
    request.on('end', () => {
      if (size > limit) refuse();
      else resolve(onlyOne(chunks) ?? Buffer.concat(chunks, size));
    });
    request.on('close', () => {
      // Comes after each request; an error made for nothing would cost more than all the rest.
      if (!request.complete) reject(new Error('The caller broke off while sending the body.'));
    });
    if (announcesMore(request, 2 * limit)) refuse();
  });
}

const onlyOne = (chunks: readonly Buffer[]) => (chunks.length === 1 ? chunks[0] : undefined);

const tooLarge = (limit: number) => new Refusal(413, `The body is larger than ${limit} bytes.`);
