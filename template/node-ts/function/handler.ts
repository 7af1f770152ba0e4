import type { FunctionContext, FunctionEvent } from './types.ts';

export default async (event: FunctionEvent, context: FunctionContext) =>
  context.status(200).succeed({
    body: event.body,
    contentType: event.headers['content-type'],
  });
