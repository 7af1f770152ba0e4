import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.ts';

const empty = Buffer.alloc(0);

/** Whether the request announces more than `limit` bytes. */
export const announcesMore = (request: IncomingMessage, limit: number): boolean =>
  Number(request.headers['content-length'] ?? 0) > limit;

/**
 * Reads the body whole.
 *
 * @throws Refusal 413 over `limit` bytes; what still comes is thrown away, so that the caller gets to
 * read the answer. Error if the caller breaks off.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const { headers } = request;
  const length = headers['content-length'];
  if (headers['transfer-encoding'] === undefined && (length === undefined || length === '0')) {
    return Promise.resolve(empty);
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const refuse = () => {
      chunks.length = 0;
      request.removeAllListeners('data').resume();
      reject(new Refusal(413, `The body is larger than ${limit} bytes.`));
    };
    if (announcesMore(request, limit)) return refuse();
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) refuse();
      else chunks.push(chunk);
    });
    request.once('end', () => resolve(onlyOne(chunks) ?? Buffer.concat(chunks, size)));
    request.once('close', () => reject(new Error('The caller broke off while sending the body.')));
  });
}

const onlyOne = (chunks: readonly Buffer[]) => (chunks.length === 1 ? chunks[0] : undefined);
