import { Readable } from 'node:stream';
import { answer } from './answer.ts';
import type { Call } from './call.ts';
import { timeHead } from './time-head.ts';

type Headers = Readonly<Record<string, string | string[]>>;

/**
 * Answers with what a classic handler returned: nothing, text, bytes, a stream (anything async
 * iterable), else JSON. A content type set by the handler wins over the one of the kind.
 *
 * @returns A promise for a stream: it rejects if the stream fails.
 * @throws Error if the value or a header cannot be sent; the response has not begun then.
 */
export function sendValue(
  call: Call,
  status: number,
  headers: Headers,
  value: unknown,
): void | Promise<void> {
  if (value === undefined || value === null) return answer(call, status, headers);
  if (typeof value === 'string') {
    return answer(call, status, typed(headers, 'text/plain; charset=utf-8'), value);
  }
  const bytes = bytesOf(value);
  if (bytes !== undefined) {
    return answer(call, status, typed(headers, 'application/octet-stream'), bytes);
  }
  if (isAsyncIterable(value)) {
    return sendStream(call, status, typed(headers, 'application/octet-stream'), value);
  }
  answer(call, status, typed(headers, 'application/json'), JSON.stringify(value));
}

function typed(headers: Headers, type: string): Headers {
  for (const name in headers) if (name.toLowerCase() === 'content-type') return headers;
  return { 'Content-Type': type, ...headers };
}

function bytesOf(value: unknown): Buffer | undefined {
  if (Buffer.isBuffer(value)) return value;
  if (value instanceof ArrayBuffer) return Buffer.from(value);
  if (!ArrayBuffer.isView(value)) return undefined;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

/** Pipes with back-pressure. The headers leave with the first bytes, so that an early error is a 500. */
function sendStream(
  call: Call,
  status: number,
  headers: Headers,
  value: AsyncIterable<unknown>,
): Promise<void> {
  const { response } = call;
  const source = value instanceof Readable ? value : Readable.from(value);
  if (response.destroyed || response.headersSent) {
    source.destroy();
    return Promise.resolve();
  }
  timeHead(call);
  return new Promise((resolve, reject) => {
    const sendHead = () => {
      if (!response.headersSent) response.writeHead(status, headers);
    };
    source.once('error', (error) => {
      if (response.headersSent) response.destroy();
      reject(error);
    });
    response.once('close', () => {
      source.destroy();
      resolve();
    });
    source.once('data', sendHead).once('end', sendHead).pipe(response);
  });
}
