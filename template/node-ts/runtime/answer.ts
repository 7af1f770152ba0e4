import type { OutgoingHttpHeaders } from 'node:http';
import type { Call } from './call.ts';
import { endWhole } from './end-whole.ts';
import { durationHeader } from './time-head.ts';

/** Set here, whatever a handler that relays another answer's headers says. */
const ownHeaders = new Set(['content-length', 'transfer-encoding', 'x-duration-seconds']);

/** Ends a call with a body of known length. Does nothing if its answer has begun already. */
export function answer(
  call: Call,
  status: number,
  headers: OutgoingHttpHeaders,
  body: string | Buffer = '',
): void {
  const { response } = call;
  if (response.headersSent || response.destroyed) return;
  const all: OutgoingHttpHeaders = {};
  for (const name in headers) {
    if (!ownHeaders.has(name.toLowerCase())) all[name] = headers[name];
  }
  const bodiless = status === 204 || status === 304;
  if (!bodiless) all['Content-Length'] = Buffer.byteLength(body);
  all[durationHeader] = call.seconds.toFixed(6);
  response.writeHead(status, all);
  endWhole(response, bodiless ? '' : body);
}

/** {@link answer} with a JSON body. */
export function answerJson(
  call: Call,
  status: number,
  value: object,
  headers: OutgoingHttpHeaders = {},
): void {
  const typed = { ...headers, 'Content-Type': 'application/json' };
  answer(call, status, typed, JSON.stringify(value));
}
