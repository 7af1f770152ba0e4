import type { IncomingMessage } from 'node:http';
import { CloudError } from '#shared/errors.ts';

const maxBytes = 4096;

/**
 * The fields of a small form.
 *
 * @throws CloudError `OFC_TOO_LARGE`
 */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new CloudError('OFC_TOO_LARGE', 'The form is too large.');
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
