import type { Readable } from 'node:stream';
import { createRedactingStream } from '#shared/redact.ts';

const maxLine = 16 * 1024;

/**
 * Calls `onLine` for each line of a text stream; a line over 16 KiB comes in pieces.
 *
 * @param hidden Values that are not to be shown, also if they are split over chunks.
 */
export function splitLines(
  stream: Readable,
  onLine: (line: string) => void,
  hidden: Iterable<Buffer> = [],
): void {
  const redacting = createRedactingStream(hidden);
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + redacting.push(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) emit(line);
    if (rest.length > maxLine) {
      emit(rest);
      rest = '';
    }
  });
  stream.on('end', () => {
    rest += redacting.end();
    if (rest !== '') for (const line of rest.split('\n')) emit(line);
  });

  function emit(line: string): void {
    for (let at = 0; at === 0 || at < line.length; at += maxLine) {
      onLine(line.slice(at, at + maxLine).trimEnd());
    }
  }
}
