import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RawHandler } from '../function/types.ts';
import type { Call } from './call.ts';
import { answerFailure } from './failure.ts';
import { isThenable } from './is-thenable.ts';
import type { Serve } from './serve.ts';
import { timeHead } from './time-head.ts';

/** Serves calls with a raw handler, which ends the response itself, in its own time. */
export function serveRaw(handler: RawHandler): Serve {
  return (call) => {
    const { request, response } = call;
    // A write after the end (for example after a timeout's 504) must not end the process.
    response.on('error', (error) => call.log.warn('Writing failed.', { error: error.message }));
    if (request.headers.expect !== undefined) inviteWhenRead(request, response);
    timeHead(call);
    try {
      const result = handler(request, response, call);
      // Most answers are complete before a promise could be settled.
      if (isThenable(result)) result.then(undefined, (thrown) => fail(call, thrown));
    } catch (thrown) {
      fail(call, thrown);
    }
  };
}

function fail(call: Call, thrown: unknown): void {
  if (!call.response.destroyed) answerFailure(call, thrown);
  else call.log.warn('The handler failed after the caller had gone.', { error: String(thrown) });
}

/**
 * Answers `Expect: 100-continue` once the handler begins to read, so that whom it refuses need not
 * send the body (RFC 9110 §10.1.1).
 */
function inviteWhenRead(request: IncomingMessage, response: ServerResponse): void {
  const invite = (event: string | symbol) => {
    if (event !== 'data' && event !== 'readable') return;
    request.off('newListener', invite);
    if (!response.headersSent && !response.destroyed) response.writeContinue();
  };
  request.on('newListener', invite);
}
