import type { FunctionLog, LogFields } from '../function/types.ts';

/** Lines are written together, at most this many milliseconds late: a write each is a third slower. */
const delay = 20;

let pending = '';

/** Writes what is pending to stderr now. */
export function flushLog(): void {
  if (pending === '') return;
  const text = pending;
  pending = '';
  process.stderr.write(text);
}

process.on('exit', flushLog);

/** Writes a line that is ready, with its line feed. */
export function writeLine(line: string): void {
  if (pending === '') setTimeout(flushLog, delay);
  pending += line;
}

let lastMoment = 0;
let lastTime = '';

/** The time in ISO 8601. Lines of the same millisecond share it: it is dear to make. */
export function isoTime(): string {
  const moment = Date.now();
  if (moment !== lastMoment) {
    lastMoment = moment;
    lastTime = new Date(moment).toISOString();
  }
  return lastTime;
}

/** A log of JSON lines on stderr; `base` is added to each of them. */
export function createLog(base: LogFields = {}): FunctionLog {
  const write =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      writeLine(`${JSON.stringify({ time: isoTime(), level, message, ...base, ...fields })}\n`);
  return {
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (fields) => createLog({ ...base, ...fields }),
  };
}
