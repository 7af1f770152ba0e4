import type { Readable } from 'node:stream';
import { CloudError } from '#shared/errors.ts';

/**
 * The chunks of `source`, with a check that they come to exactly `size` bytes. Without it a longer
 * stream would spill into the next request on a kept connection, and a shorter one would hang.
 *
 * @throws CloudError `OFC_INTERNAL` from the iteration when the sizes differ.
 */
export async function* exactSize(source: Readable, size: number): AsyncGenerator<Buffer> {
  let seen = 0;
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk);
    seen += bytes.length;
    if (seen > size) break;
    yield bytes;
  }
  if (seen !== size) {
    throw new CloudError(
      'OFC_INTERNAL',
      `An upload was declared as ${size} bytes but has ${seen > size ? 'more' : seen}.`,
    );
  }
}
