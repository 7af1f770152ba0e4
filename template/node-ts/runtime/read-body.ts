import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.ts';

/** Whether the request has a body: RFC 9112 §6.3. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** Whether the request announces more than `limit` bytes. */
export const announcesMore = (request: IncomingMessage, limit: number): boolean =>
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
    const refuse = () => reject(new Refusal(413, `The body is larger than ${limit} bytes.`));
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else chunks.length = 0;
      if (size > 2 * limit) refuse();
    });
    request.once('end', () => {
      if (size > limit) refuse();
      else resolve(onlyOne(chunks) ?? Buffer.concat(chunks, size));
    });
    request.once('close', () => reject(new Error('The caller broke off while sending the body.')));
    if (announcesMore(request, 2 * limit)) refuse();
  });
}

const onlyOne = (chunks: readonly Buffer[]) => (chunks.length === 1 ? chunks[0] : undefined);
