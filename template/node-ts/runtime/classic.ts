import type { FunctionEvent, Handler } from '../function/types.ts';
import { answerJson } from './answer.ts';
import type { Call } from './call.ts';
import { ClassicContext } from './classic-context.ts';
import type { RuntimeConfig } from './config.ts';
import { bodyLimit, createEvent } from './event.ts';
import { answerFailure } from './failure.ts';
import { isThenable } from './is-thenable.ts';
import { hasBody, inviteBody, readBody } from './read-body.ts';
import { sendValue } from './send-value.ts';
import type { Serve } from './serve.ts';

const noBody = Buffer.alloc(0);

/** Serves calls with a classic handler, `(event, context, callback) => value`. */
export function serveClassic(handler: Handler, config: RuntimeConfig): Serve {
  return async (call) => {
    const { request, response } = call;
    try {
      const rawBody = hasBody(request) ? await receiveBody(call, config) : noBody;
      await run(handler, createEvent(call, rawBody, config), call);
    } catch (thrown) {
      if (!response.destroyed) answerFailure(call, thrown);
    }
  };
}

async function receiveBody({ request, response }: Call, config: RuntimeConfig): Promise<Buffer> {
  const limit = bodyLimit(request, config);
  inviteBody(request, response, limit);
  return readBody(request, limit);
}

/** Calls the handler and answers. The promise that it may return rejects if the handler does. */
function run(handler: Handler, event: FunctionEvent, call: Call): unknown {
  let settled = false;
  const succeed = (value: unknown) => {
    if (settled) return;
    settled = true;
    return sendValue(call, context.status(), context.headers(), value);
  };
  const context = new ClassicContext(call, async ({ failed, value }) => {
    try {
      if (!failed) return await succeed(value);
      if (settled) return;
      settled = true;
      await sendFailure(call, context, value);
    } catch (thrown) {
      answerFailure(call, thrown);
    }
  });
  const result = handler(event, context, (error, value) => {
    if (error === undefined || error === null) context.succeed(value);
    else context.fail(error);
  });
  if (isThenable(result)) return result.then(succeed);
  // A handler that takes the callback and returns nothing answers later.
  return result === undefined && handler.length > 2 ? undefined : succeed(result);
}

/** Answers `context.fail(value)`. An Error is shown only with a status below 500 set before. */
function sendFailure(call: Call, context: ClassicContext, value: unknown) {
  const status = context.hasStatus ? context.status() : 500;
  if (!(value instanceof Error)) return sendValue(call, status, context.headers(), value);
  if (status >= 500) throw value;
  answerJson(call, status, { error: value.message }, { ...context.headers() });
}
