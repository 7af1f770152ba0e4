import type { Readable } from 'node:stream';

const maxLine = 16 * 1024;

/** Calls `onLine` for each line of a text stream; a line over 16 KiB comes in pieces. */
export function splitLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) emit(line);
    if (rest.length > maxLine) {
      emit(rest);
      rest = '';
    }
  });
  stream.on('end', () => {
    if (rest !== '') emit(rest);
  });

  function emit(line: string): void {
    for (let at = 0; at === 0 || at < line.length; at += maxLine) {
      onLine(line.slice(at, at + maxLine).trimEnd());
    }
  }
}
