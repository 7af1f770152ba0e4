import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { CloudError } from '#shared/errors.ts';

/**
 * The chunks of a download, checked: the iteration fails over `maxBytes`, and at the end if the
 * whole does not have the digest. A reader trusts nothing before the end.
 *
 * @throws CloudError `OFC_TOO_LARGE` or `OFC_UPSTREAM`
 */
export async function* verifiedBytes(
  source: Readable,
  digest: string,
  maxBytes: number,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of source) {
      size += chunk.length;
      if (size > maxBytes) {
        throw new CloudError('OFC_TOO_LARGE', `The layer ${digest} is over ${maxBytes} bytes.`);
      }
      hash.update(chunk);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof CloudError) throw error;
    throw new CloudError('OFC_UPSTREAM', `The layer ${digest} broke off.`, { cause: error });
  }
  if (`sha256:${hash.digest('hex')}` !== digest) {
    throw new CloudError('OFC_UPSTREAM', `The layer ${digest} came with other content.`);
  }
}
