import type { IncomingMessage } from 'node:http';
import { CloudError } from '#shared/errors.ts';

/**
 * The body of a request.
 *
 * @throws CloudError `OFC_TOO_LARGE` as soon as it is over `maxBytes`.
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > maxBytes) {
      throw new CloudError('OFC_TOO_LARGE', `The body is over ${maxBytes} bytes.`);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
