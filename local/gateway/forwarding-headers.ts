import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { hopByHop, namedInConnection } from '#shared/router/hop-by-hop.ts';
import { headerValue } from '../http/raw-headers.ts';

/** What the gateway keeps to itself: headers of one connection, and what it answers for. */
const perConnection: ReadonlySet<string> = new Set([...hopByHop, 'expect', 'host']);

/** A request's headers as the function gets them. */
export interface ForwardedHeaders {
  /** Names and values in turn. */
  readonly headers: string[];
  readonly callId: string;
  /** Whether the call id is new: only then the caller is told. */
  readonly isNewCall: boolean;
  readonly startTime: string;
}

/**
 * The headers for a function: the client's own, without those of the connection, with
 * `X-Call-Id`, `X-Forwarded-Host` and `X-Forwarded-For` where absent, and one more `X-Start-Time`.
 */
export function forwardedHeaders(request: IncomingMessage): ForwardedHeaders {
  const headers = endToEnd(request.rawHeaders);
  const { socket } = request;
  const given = headerValue(headers, 'x-call-id');
  const callId = given ?? randomUUID();
  if (given === undefined) headers.push('X-Call-Id', callId);
  if (headerValue(headers, 'x-forwarded-host') === undefined) {
    headers.push('X-Forwarded-Host', request.headers.host ?? '');
  }
  if (headerValue(headers, 'x-forwarded-for') === undefined) {
    headers.push('X-Forwarded-For', `${socket.remoteAddress}:${socket.remotePort}`);
  }
  const startTime = unixNanoseconds();
  headers.push('X-Start-Time', startTime);
  return { headers, callId, isNewCall: given === undefined, startTime };
}

/** `headers` without those of the connection, nor those that `Connection` names. */
export function endToEnd(headers: readonly string[]): string[] {
  const named = namedInConnection(headers);
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? '';
    const key = name.toLowerCase();
    if (perConnection.has(key) || named?.has(key)) continue;
    kept.push(name, headers[index + 1] ?? '');
  }
  return kept;
}

/** Now, in Unix nanoseconds, to the microsecond. */
export function unixNanoseconds(): string {
  return `${Math.round((performance.timeOrigin + performance.now()) * 1000)}000`;
}
