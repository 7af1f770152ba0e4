import type { IncomingMessage } from 'node:http';
import type { FunctionEvent, Handler } from '../function/types.ts';
import { answerJson } from './answer.ts';
import type { Call } from './call.ts';
import { ClassicContext } from './classic-context.ts';
import type { RuntimeConfig } from './config.ts';
import { readEvent } from './event.ts';
import { answerFailure } from './failure.ts';
import { sendValue } from './send-value.ts';
import type { Serve } from './serve.ts';
import type { TimedResponse } from './timed-response.ts';

/** Serves requests with a classic handler, `(event, context, callback) => value`. */
export function serveClassic(handler: Handler, config: RuntimeConfig): Serve {
  return async (request: IncomingMessage, response: TimedResponse, call: Call) => {
    try {
      const event = await readEvent(request, config);
      await run(handler, event, response, call);
    } catch (thrown) {
      if (!response.destroyed) answerFailure(response, thrown, call);
    }
  };
}

async function run(
  handler: Handler,
  event: FunctionEvent,
  response: TimedResponse,
  call: Call,
): Promise<void> {
  let settled = false;
  const end = async (failed: boolean, value: unknown) => {
    if (settled) return;
    settled = true;
    if (!failed) return sendValue(response, context.status(), context.headers(), value);
    if (value instanceof Error && !(context.hasStatus && context.status() < 500)) throw value;
    const status = context.hasStatus ? context.status() : 500;
    if (!(value instanceof Error)) return sendValue(response, status, context.headers(), value);
    answerJson(response, status, { error: value.message }, { ...context.headers() });
  };
  const context = new ClassicContext(call, ({ failed, value }) => {
    end(failed, value).catch((thrown) => answerFailure(response, thrown, call));
  });
  const result = handler(event, context, (error, value) => {
    if (error === undefined || error === null) context.succeed(value);
    else context.fail(error);
  });
  // A handler that takes the callback and returns nothing answers later.
  if (result === undefined && handler.length > 2) return;
  const value = await result;
  await end(false, value);
}
