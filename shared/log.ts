/** A structured log line: one JSON object per line on stderr. */
export interface Logger {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each of its lines. */
  with(fields: LogFields): Logger;
}

/** Values that may stand in a log line. Never a secret, a token, a body or a header map. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

type Sink = (line: string) => void;

const toStderr: Sink = (line) => process.stderr.write(line);

/**
 * Makes a {@link Logger}.
 *
 * @param base Fields of every line, such as the function's name or the call id.
 * @param sink Where lines go; stderr unless a test asks for them.
 */
export function createLogger(base: LogFields = {}, sink: Sink = toStderr): Logger {
  const write =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      sink(
        `${JSON.stringify({ time: new Date().toISOString(), level, message, ...base, ...fields })}\n`,
      );
  return {
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (fields) => createLogger({ ...base, ...fields }, sink),
  };
}
