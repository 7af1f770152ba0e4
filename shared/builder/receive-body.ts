import { createHmac, timingSafeEqual } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { CloudError } from '../errors.ts';

/**
 * Writes a request's body to `path` and checks its `X-Build-Signature`, `sha256=` and the hex
 * HMAC-SHA-256 of the raw bytes. Nothing in the body is looked at before that.
 *
 * @throws CloudError `OFC_UNAUTHENTICATED`, `OFC_TOO_LARGE`
 */
export async function receiveBody(
  request: IncomingMessage,
  { path, secret, maxBytes }: { path: string; secret: string; maxBytes: number },
): Promise<void> {
  const tooLarge = new CloudError('OFC_TOO_LARGE', `The request is over ${maxBytes} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge;
  const hmac = createHmac('sha256', secret);
  const file = await open(path, 'wx', 0o600);
  try {
    let size = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge;
      hmac.update(chunk);
      await file.write(chunk);
    }
  } finally {
    await file.close();
  }
  const header = request.headers['x-build-signature'];
  const given = /^sha256=([0-9a-f]{64})$/.exec(String(header))?.[1] ?? '';
  const expected = hmac.digest();
  const bytes = Buffer.from(given, 'hex');
  if (bytes.length !== expected.length || !timingSafeEqual(bytes, expected)) {
    throw new CloudError('OFC_UNAUTHENTICATED', 'The X-Build-Signature is missing or wrong.', {
      hint: 'Sign with the payload secret of this platform.',
    });
  }
}
