import type { Readable } from 'node:stream';
import axios, { isAxiosError } from 'axios';
import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import type { GatewayConfig } from './gateway-client.ts';

/** One line that a replica of a function wrote. */
export interface LogLine {
  /** The replica. */
  readonly instance: string;
  /** RFC 3339. */
  readonly timestamp: string;
  readonly text: string;
}

/** Which lines of a function's log are wanted. */
export interface LogQuery {
  /** The deployed name. */
  readonly name: string;
  readonly since: Date;
  /** At most so many of the newest lines; 0: all. */
  readonly tail: number;
  /** Go on with lines as they are written. */
  readonly follow: boolean;
  readonly instance?: string;
}

const lineSchema = v.object({
  instance: v.optional(v.string(), ''),
  timestamp: v.optional(v.string(), ''),
  text: v.optional(v.string(), ''),
});

/** A longer line is cut off by what relays logs, or is no log line. */
const maxLineLength = 1024 * 1024;

/**
 * Reads a function's log from the gateway (`GET /system/logs`, JSON lines), each line as it comes.
 * A gateway that ends the stream at its own time-out ends the iteration.
 *
 * @throws CloudError `OFC_UPSTREAM` if the gateway refuses, breaks off or sends something else.
 * @see https://docs.openfaas.com/deployment/logs/
 */
export async function* readFunctionLog(
  { url, credentials, timeoutMs = 30_000 }: GatewayConfig,
  { name, since, tail, follow, instance }: LogQuery,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const params = {
    name,
    since: since.toISOString(),
    tail: String(tail === 0 ? -1 : tail),
    follow: String(follow),
    ...(instance === undefined ? {} : { instance }),
  };
  let body: Readable | undefined;
  try {
    const answer = await axios.get<Readable>(`${url}/system/logs`, {
      params,
      responseType: 'stream',
      maxRedirects: 0,
      proxy: false,
      signal,
      // The time of a stream that is followed is the reader's to end.
      timeout: follow ? 0 : timeoutMs,
      ...(credentials === undefined
        ? {}
        : { auth: { username: credentials.user, password: credentials.password } }),
    });
    body = answer.data;
    for await (const line of linesOf(body)) {
      const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), lineSchema), line);
      if (!parsed.success) throw new CloudError('OFC_UPSTREAM', 'The log cannot be read.');
      yield parsed.output;
    }
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof CloudError) throw error;
    const why = isAxiosError(error) ? (error.response?.status ?? error.code) : 'it broke off';
    throw new CloudError('OFC_UPSTREAM', `The gateway gave no log (${why}).`);
  } finally {
    body?.destroy();
  }
}

async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLineLength) {
      throw new CloudError('OFC_UPSTREAM', 'A line of the log has no end.');
    }
    for (const line of lines) if (line.trim() !== '') yield line;
  }
  if (rest.trim() !== '') yield rest;
}
