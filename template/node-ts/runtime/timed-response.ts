import {
  type IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  ServerResponse,
} from 'node:http';
import type { Call } from './call.ts';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

const name = 'X-Duration-Seconds';

/**
 * A response that says in `X-Duration-Seconds` how long the function took until its headers left.
 * A handler that relays an answer may pass that header on: ours replaces it.
 */
export class TimedResponse extends ServerResponse<IncomingMessage> {
  readonly startedAt = performance.now();
  /** Set once the request was admitted. */
  call: Call | undefined;

  get seconds(): number {
    return (performance.now() - this.startedAt) / 1000;
  }

  /** `writeHead` for headers that nobody else holds and that have no duration yet. */
  writeOwnHead(status: number, headers: OutgoingHttpHeaders): void {
    headers[name] = this.seconds.toFixed(6);
    super.writeHead(status, headers);
  }

  override writeHead(status: number, reason?: string | Headers, headers?: Headers): this {
    const given = typeof reason === 'object' ? reason : headers;
    const duration = this.seconds.toFixed(6);
    const timed = Array.isArray(given) ? timedList(given, duration) : timedObject(given, duration);
    return typeof reason === 'string'
      ? super.writeHead(status, reason, timed)
      : super.writeHead(status, timed);
  }
}

function timedObject(given: OutgoingHttpHeaders = {}, duration: string): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { ...given };
  for (const key in given) if (isName(key)) delete headers[key];
  headers[name] = duration;
  return headers;
}

function timedList(given: OutgoingHttpHeader[], duration: string): OutgoingHttpHeader[] {
  const headers: OutgoingHttpHeader[] = [];
  for (let at = 0; at + 1 < given.length; at += 2) {
    const [key, value] = [given[at], given[at + 1]];
    if (key !== undefined && value !== undefined && !isName(key)) headers.push(key, value);
  }
  headers.push(name, duration);
  return headers;
}

const isName = (key: OutgoingHttpHeader) =>
  typeof key === 'string' &&
  key.length === name.length &&
  key.toLowerCase() === 'x-duration-seconds';
