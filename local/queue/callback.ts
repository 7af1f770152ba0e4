import { type Agent, request } from 'undici';
import { withoutHeaders } from '../http/raw-headers.ts';
import type { Callback, FunctionAnswer, Message } from './message.ts';

/**
 * Response headers that do not travel in a callback: what describes the connection, what the queue
 * sets itself, and `X-Callback-Url`, with which an echoing function would call itself for ever.
 */
const dropped: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-call-id',
  'x-callback-url',
  'x-duration-seconds',
  'x-function-name',
  'x-function-status',
]);

/** The callback for a message: the function's body and headers, and what became of the call. */
export function callbackFor(
  message: Message,
  callbackUrl: string,
  answer: FunctionAnswer,
  seconds: number,
): Callback {
  return {
    url: callbackUrl,
    function: message.function,
    callId: message.callId,
    headers: [
      ...withoutHeaders(answer.headers, dropped),
      ...['X-Call-Id', message.callId],
      ...['X-Function-Name', message.function],
      ...['X-Function-Status', String(answer.status)],
      ...['X-Duration-Seconds', seconds.toFixed(6)],
    ],
    body: answer.body,
  };
}

/**
 * The same callback as a message, if it is for a function of this gateway. `/function/x` and
 * `/async-function/x` are alike: either way the call waits in the queue, kept and tried again.
 */
export function localMessage(
  callback: Callback,
  isLocal: (url: URL) => boolean,
): Message | undefined {
  const url = new URL(callback.url);
  const route = /^\/(?:async-)?function\/([-\w.]+)(\/.*)?$/.exec(url.pathname);
  if (route?.[1] === undefined || !isLocal(url)) return undefined;
  return {
    function: route[1],
    path: `${route[2] ?? '/'}${url.search}`,
    headers: callback.headers,
    body: callback.body,
    callId: callback.callId,
  };
}

/** Posts a callback; gives the status and `Retry-After`. Redirects are not followed. */
export async function postCallback(
  callback: Callback,
  dispatcher: Agent,
  signal: AbortSignal,
): Promise<{ status: number; retryAfter: string | undefined }> {
  const answer = await request(callback.url, {
    method: 'POST',
    headers: [...callback.headers],
    body: callback.body,
    dispatcher,
    signal,
  });
  await answer.body.dump();
  const retryAfter = answer.headers['retry-after'];
  return {
    status: answer.statusCode,
    retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
  };
}
