import { answerJson } from './answer.ts';
import type { Call } from './call.ts';
import { parseDuration } from './duration.ts';

/** Ends calls that take too long. */
export interface ExecTimeout {
  start(call: Call): void;
  stop(call: Call): void;
}

/**
 * The time limit of calls: `limit` milliseconds (0 = none), or less if the header `X-Timeout` asks for
 * less. When it is over the handler's signal aborts and the caller gets 504; an answer that has
 * begun is broken off.
 */
export function createExecTimeout(limit: number): ExecTimeout {
  // All have the same limit, so the first is always the oldest: one timer does for all of them. They are
  // linked to each other, since a Set would hash each one.
  let oldest: Call | undefined;
  let newest: Call | undefined;
  let sweeping = false;

  function remove(call: Call): void {
    const { older, newer } = call;
    if (older !== undefined) older.newer = newer;
    else if (oldest === call) oldest = newer;
    if (newer !== undefined) newer.older = older;
    else if (newest === call) newest = older;
    call.older = undefined;
    call.newer = undefined;
  }

  function sweep(): void {
    while (oldest !== undefined) {
      const left = oldest.startedAt + limit - performance.now();
      if (left > 0) {
        setTimeout(sweep, Math.ceil(left));
        return;
      }
      const call = oldest;
      remove(call);
      expire(call, limit);
    }
    sweeping = false;
  }

  return {
    start(call) {
      const header = call.request.headers['x-timeout'];
      const asked = typeof header === 'string' ? (parseDuration(header) ?? 0) : 0;
      if (asked > 0 && (limit === 0 || asked < limit)) {
        const timer = setTimeout(expire, asked, call, asked);
        call.response.once('close', () => clearTimeout(timer));
      } else if (limit > 0) {
        call.older = newest;
        if (newest === undefined) oldest = call;
        else newest.newer = call;
        newest = call;
        if (!sweeping) setTimeout(sweep, limit);
        sweeping = true;
      }
    },
    stop: remove,
  };
}

function expire(call: Call, limit: number): void {
  call.log.warn('The handler took too long.', { limitMs: limit });
  call.abort(new DOMException(`The limit of ${limit} ms is over.`, 'TimeoutError'));
  if (call.response.headersSent) call.response.destroy();
  else {
    const headers = { 'X-OpenFaaS-Internal': 'of-watchdog' };
    answerJson(call, 504, { error: 'The function took too long.' }, headers);
  }
}
