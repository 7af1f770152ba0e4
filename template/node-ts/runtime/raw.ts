import type { IncomingMessage } from 'node:http';
import type { RawHandler } from '../function/types.ts';
import type { Call } from './call.ts';
import { answerFailure } from './failure.ts';
import type { Serve } from './serve.ts';
import type { TimedResponse } from './timed-response.ts';

/** Serves requests with a raw handler, which ends the response itself, in its own time. */
export function serveRaw(handler: RawHandler): Serve {
  return async (request: IncomingMessage, response: TimedResponse, call: Call) => {
    // A write after the end (for example after a timeout's 504) must not end the process.
    response.on('error', (error) => call.log.warn('Writing failed.', { error: error.message }));
    try {
      await handler(request, response, call);
    } catch (thrown) {
      if (!response.destroyed) answerFailure(response, thrown, call);
      else
        call.log.warn('The handler failed after the caller had gone.', { error: String(thrown) });
    }
  };
}
