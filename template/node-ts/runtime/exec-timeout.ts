import type { IncomingMessage } from 'node:http';
import { answerJson } from './answer.ts';
import { parseDuration } from './duration.ts';
import type { TimedResponse } from './timed-response.ts';

/** Ends calls that take too long. */
export interface ExecTimeout {
  start(request: IncomingMessage, response: TimedResponse): void;
  stop(response: TimedResponse): void;
}

/**
 * The time limit of calls: `limit` milliseconds (0 = none), or less if the header `X-Timeout` asks for
 * less. When it is over the handler's signal aborts and the caller gets 504; an answer that has
 * begun is broken off.
 */
export function createExecTimeout(limit: number): ExecTimeout {
  // All have the same limit, so the first is always the oldest: one timer does for all of them.
  const open = new Set<TimedResponse>();
  let sweeping = false;

  function sweep(): void {
    for (const response of open) {
      const left = response.startedAt + limit - performance.now();
      if (left > 0) {
        setTimeout(sweep, Math.ceil(left));
        return;
      }
      open.delete(response);
      expire(response, limit);
    }
    sweeping = false;
  }

  return {
    start(request, response) {
      const asked = parseDuration(String(request.headers['x-timeout'] ?? '')) ?? 0;
      if (asked > 0 && (limit === 0 || asked < limit)) {
        const timer = setTimeout(expire, asked, response, asked);
        response.once('close', () => clearTimeout(timer));
      } else if (limit > 0) {
        open.add(response);
        if (!sweeping) setTimeout(sweep, limit);
        sweeping = true;
      }
    },
    stop: (response) => void open.delete(response),
  };
}

function expire(response: TimedResponse, limit: number): void {
  response.call?.log.warn('The handler took too long.', { limitMs: limit });
  response.call?.abort(new DOMException(`The limit of ${limit} ms is over.`, 'TimeoutError'));
  if (response.headersSent) response.destroy();
  else {
    const headers = { 'X-OpenFaaS-Internal': 'of-watchdog' };
    answerJson(response, 504, { error: 'The function took too long.' }, headers);
  }
}
