import type { IncomingMessage } from 'node:http';
import type { Call } from './call.ts';
import type { TimedResponse } from './timed-response.ts';

/** Serves one admitted request. Never rejects. */
export type Serve = (
  request: IncomingMessage,
  response: TimedResponse,
  call: Call,
) => Promise<void>;
