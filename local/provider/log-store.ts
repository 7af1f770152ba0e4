import {
  createWriteStream,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  type WriteStream,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogLine, LogQuery } from './provider.ts';

const ringLines = 2000;
const fileBytes = 5 * 2 ** 20;
const pendingLines = 5000;
const pendingBytes = 8 * 2 ** 20;

/** The log of one function: the newest lines in memory, more of them in a rotated file. */
export interface FunctionLogFile {
  append(line: LogLine): void;
  read(query: LogQuery): AsyncGenerator<LogLine, void, undefined>;
  close(): Promise<void>;
  /** Closes and deletes the files. */
  remove(): Promise<void>;
}

/** Opens `<folder>/<service>.log`; the lines of an earlier run can be read too. */
export function openFunctionLog(folder: string, service: string): FunctionLogFile {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${service}.log`);
  const ring = readTail(path);
  const followers = new Set<(line: LogLine) => void>();
  let file: WriteStream | undefined;
  let size = 0;

  const open = (): WriteStream => {
    // At once, so that it can be renamed at any time.
    const fd = openSync(path, 'a', 0o600);
    size = fstatSync(fd).size;
    const stream = createWriteStream(path, { fd });
    // A full disk must not take the platform down; the ring still has the newest lines.
    stream.on('error', () => undefined);
    return stream;
  };
  const write = (line: LogLine): void => {
    if (file !== undefined && size > fileBytes) {
      file.end();
      file = undefined;
      renameSync(path, `${path}.1`);
    }
    file ??= open();
    // A function that writes faster than the disk loses lines here, not the platform its memory.
    if (file.writableLength > pendingBytes) return;
    const text = `${JSON.stringify(line)}\n`;
    size += Buffer.byteLength(text);
    file.write(text);
  };
  const close = async (): Promise<void> => {
    const stream = file;
    file = undefined;
    if (stream !== undefined) await new Promise((resolve) => stream.end(resolve));
  };

  return {
    append(line) {
      ring.push(line);
      if (ring.length > ringLines) ring.shift();
      try {
        write(line);
      } catch {
        // The file is a convenience; the line is in the ring.
      }
      for (const follow of followers) follow(line);
    },
    async *read({ since, tail, follow, signal }) {
      const from = since?.toISOString() ?? '';
      const found = ring.filter((line) => line.timestamp >= from);
      const queue = tail === undefined ? found : found.slice(Math.max(0, found.length - tail));
      let wake = (): void => undefined;
      const push = (line: LogLine): void => {
        // A reader that cannot keep up loses the oldest lines, not the platform its memory.
        if (queue.length >= pendingLines) queue.shift();
        queue.push(line);
        wake();
      };
      const onAbort = (): void => wake();
      if (follow) followers.add(push);
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        for (;;) {
          for (let line = queue.shift(); line !== undefined; line = queue.shift()) {
            if (signal.aborted) return;
            yield line;
          }
          if (!follow || signal.aborted) return;
          await new Promise<void>((resolve) => {
            wake = resolve;
            if (queue.length > 0 || signal.aborted) resolve();
          });
        }
      } finally {
        followers.delete(push);
        signal.removeEventListener('abort', onAbort);
      }
    },
    close,
    async remove() {
      await close();
      await Promise.all([rm(path, { force: true }), rm(`${path}.1`, { force: true })]);
    },
  };
}

function readTail(path: string): LogLine[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .slice(-ringLines - 1, -1)
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as LogLine];
      } catch {
        return []; // cut off when the platform was killed
      }
    });
}
