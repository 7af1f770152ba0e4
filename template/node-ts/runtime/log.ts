import type { FunctionLog, LogFields } from '../function/types.ts';

let pending = '';

/** Writes what is pending to stderr now. Called by itself at the end of each turn and at exit. */
export function flushLog(): void {
  if (pending === '') return;
  const text = pending;
  pending = '';
  process.stderr.write(text);
}

process.on('exit', flushLog);

/** One write for all lines of an event loop turn: a write per line would cost a third of the speed. */
function toStderr(line: string): void {
  if (pending === '') setImmediate(flushLog);
  pending += line;
}

/** A log of JSON lines on stderr; `base` is added to each of them. */
export function createLog(base: LogFields = {}): FunctionLog {
  const write =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      toStderr(
        `${JSON.stringify({ time: new Date().toISOString(), level, message, ...base, ...fields })}\n`,
      );
  return {
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (fields) => createLog({ ...base, ...fields }),
  };
}
