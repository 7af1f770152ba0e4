import type { IncomingMessage } from 'node:http';
import { PassThrough, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { HttpError } from './http-error.ts';

/**
 * Hands a request's body to a program, unzipped, at the pace of its reader.
 *
 * @throws HttpError 413 over `max` bytes, counted unzipped
 */
export async function feedBody(
  request: IncomingMessage,
  max: number,
  stdin: Writable,
): Promise<void> {
  const unzip = request.headers['content-encoding'] === 'gzip' ? createGunzip() : new PassThrough();
  let size = 0;
  let isGone = false;
  stdin.on('error', () => {
    isGone = true;
  });
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > max) done(new HttpError(413, `The request is over ${max} bytes.`));
      // git may answer before it has read everything, for example when a limit is reached: the
      // rest is read and dropped, so that the client gets to see the answer.
      else if (isGone) done();
      else stdin.write(chunk, () => done());
    },
    final(done) {
      stdin.end();
      done();
    },
  });
  await pipeline(request, unzip, sink);
}
