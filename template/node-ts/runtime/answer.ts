import type { OutgoingHttpHeaders } from 'node:http';
import type { TimedResponse } from './timed-response.ts';

/** Set here, whatever a handler that relays another answer's headers says. */
const ownHeaders = new Set(['content-length', 'transfer-encoding', 'x-duration-seconds']);

/** Ends a response with a body of known length. Does nothing if it has begun already. */
export function answer(
  response: TimedResponse,
  status: number,
  headers: OutgoingHttpHeaders,
  body: string | Buffer = '',
): void {
  if (response.headersSent || response.destroyed) return;
  const all: OutgoingHttpHeaders = {};
  for (const name in headers) {
    if (!ownHeaders.has(name.toLowerCase())) all[name] = headers[name];
  }
  const bodiless = status === 204 || status === 304;
  if (!bodiless) all['Content-Length'] = Buffer.byteLength(body);
  response.writeOwnHead(status, all);
  response.end(bodiless ? undefined : body);
}

/** {@link answer} with a JSON body. */
export function answerJson(
  response: TimedResponse,
  status: number,
  value: object,
  headers: OutgoingHttpHeaders = {},
): void {
  const typed = { ...headers, 'Content-Type': 'application/json' };
  answer(response, status, typed, JSON.stringify(value));
}
