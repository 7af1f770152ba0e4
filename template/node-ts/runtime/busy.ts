import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { answerText } from './answer-text.ts';
import type { RuntimeConfig } from './config.ts';
import type { Lifecycle } from './lifecycle.ts';

/** Whether `max_inflight` is reached. */
export const isFull = ({ maxInflight }: RuntimeConfig, { inflight }: Lifecycle): boolean =>
  maxInflight > 0 && inflight >= maxInflight;

/** 429, with the header by which callers know the watchdog's limiter. */
export function refuseBusy(response: ServerResponse): void {
  const headers = { 'X-OpenFaaS-Internal': 'faas-middleware', 'Retry-After': '1' };
  answerText(response, 429, 'Concurrent request limit exceeded.\n', headers);
}

/** 429 on a connection that asked to be upgraded. */
export function refuseUpgrade(socket: Duplex): void {
  socket.end('HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}
