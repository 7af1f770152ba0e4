import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { toCloudError } from '#shared/errors.ts';
import { createLogger } from '#shared/log.ts';

type Classic = (event: FunctionEvent, context: FunctionContext) => Promise<unknown>;

/** What a handler answers to one HTTP request, inside this process. */
export async function callHandler(
  handler: Classic,
  request: IncomingMessage,
  path = '/',
): Promise<{ status: number; body: string }> {
  const rawBody = await buffer(request);
  const { method = '', headers, url = '' } = request;
  const rawQuery = url.split('?')[1] ?? '';
  const query = Object.fromEntries(new URLSearchParams(rawQuery));
  const event = { body: undefined, rawBody, headers, method, query, rawQuery, path };
  let status = 200;
  let body: unknown;
  const context = {
    callId: 'test',
    note: () => undefined,
    signal: new AbortController().signal,
    log: createLogger({}, () => undefined),
    status(code?: number) {
      if (code === undefined) return status;
      status = code;
      return context;
    },
    headers: () => context,
    succeed(value: unknown) {
      body = value;
      return context;
    },
  };
  try {
    await handler(event, context as unknown as FunctionContext);
  } catch (error) {
    const { status: code, text } = toCloudError(error);
    status = code;
    body = { error: text };
  }
  return { status, body: typeof body === 'string' ? body : JSON.stringify(body) };
}
