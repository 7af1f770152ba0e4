import type { RawHandler } from '../function/types.ts';
import { answerFailure } from './failure.ts';
import type { Serve } from './serve.ts';
import { timeHead } from './time-head.ts';

/** Serves calls with a raw handler, which ends the response itself, in its own time. */
export function serveRaw(handler: RawHandler): Serve {
  return async (call) => {
    const { request, response, log } = call;
    // A write after the end (for example after a timeout's 504) must not end the process.
    response.on('error', (error) => log.warn('Writing failed.', { error: error.message }));
    if (request.headers.expect !== undefined) response.writeContinue();
    timeHead(call);
    try {
      await handler(request, response, call);
    } catch (thrown) {
      if (!response.destroyed) answerFailure(call, thrown);
      else log.warn('The handler failed after the caller had gone.', { error: String(thrown) });
    }
  };
}
