import type { IncomingMessage } from 'node:http';
import { answerJson } from './answer.ts';
import type { Call } from './call.ts';
import { parseDuration } from './duration.ts';
import type { TimedResponse } from './timed-response.ts';

/**
 * Starts the time limit of a call: `exec_timeout`, or less if the header `X-Timeout` asks for less.
 * When it is over the handler's signal aborts and the caller gets 504; an answer that has begun
 * is broken off.
 */
export function startExecTimeout(
  request: IncomingMessage,
  response: TimedResponse,
  call: Call,
  execTimeout: number,
): void {
  const limit = shorter(execTimeout, request.headers['x-timeout']);
  if (limit === 0) return;
  call.timer = setTimeout(() => {
    call.log.warn('The handler took too long.', { limitMs: limit });
    call.abort(new DOMException(`The limit of ${limit} ms is over.`, 'TimeoutError'));
    if (response.headersSent) response.destroy();
    else {
      const headers = { 'X-OpenFaaS-Internal': 'of-watchdog' };
      answerJson(response, 504, { error: 'The function took too long.' }, headers);
    }
  }, limit);
}

function shorter(execTimeout: number, header: string | string[] | undefined): number {
  const asked = typeof header === 'string' ? parseDuration(header) : undefined;
  if (asked === undefined || asked === 0) return execTimeout;
  return execTimeout === 0 ? asked : Math.min(asked, execTimeout);
}
