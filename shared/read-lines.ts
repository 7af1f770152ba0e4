import type { Readable } from 'node:stream';

/**
 * The lines of a stream, also the last one without an end. Unlike `readline`, it ends with an error if
 * the stream does.
 *
 * @throws Error if a line is longer than `maxLength`
 */
export async function* readLines(stream: Readable, maxLength: number): AsyncGenerator<string> {
  let parts: string[] = [];
  let length = 0;
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const [first = '', ...others] = chunk.split('\n');
    parts.push(first);
    length += first.length;
    for (const next of others) {
      yield parts.join('');
      parts = [next];
      length = next.length;
    }
    if (length > maxLength) throw new Error('a line has no end');
  }
  yield parts.join('');
}
