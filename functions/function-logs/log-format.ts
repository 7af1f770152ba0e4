import type { LogLine } from '#shared/gateway/log-client.ts';

/** How lines are sent: the answer's content type, and each line in it. */
export interface LogFormat {
  readonly contentType: string;
  readonly line: (line: LogLine) => string;
}

const text: LogFormat = {
  contentType: 'text/plain; charset=utf-8',
  line: (line) => `${line.text.replace(/\n$/, '')}\n`,
};

const json: LogFormat = {
  contentType: 'application/x-ndjson',
  line: (line) => `${JSON.stringify(line)}\n`,
};

const events: LogFormat = {
  contentType: 'text/event-stream',
  line: (line) => `data: ${JSON.stringify(line)}\n\n`,
};

/** By `Accept`: plain text as the original gives it, JSON lines, or server-sent events. */
export function logFormat(accept: string | undefined): LogFormat {
  if (accept?.includes('text/event-stream') === true) return events;
  return accept?.includes('application/x-ndjson') === true ? json : text;
}
