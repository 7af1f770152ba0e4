import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { observed } from '#shared/observe/observed.ts';

const step = observed('echo');
const hidden = /^(?:authorization|proxy-authorization|cookie|x-cloud-.*)$/;

/** Answers with the request as it came, without what could be used to impersonate its sender. */
export default step.classic(async (event: FunctionEvent, context: FunctionContext) => {
  const { method, path, query, rawBody } = event;
  const headers = Object.fromEntries(
    Object.entries(event.headers).filter(([name]) => !hidden.test(name)),
  );
  return context
    .status(200)
    .headers({ 'x-content-type-options': 'nosniff' })
    .succeed({ method, path, query, headers, body: rawBody.toString('utf8') });
});

/** What it counts of its own step. */
export const metrics = () => step.metrics.render();
/** Sends on the spans that wait. */
export const { close } = step;
