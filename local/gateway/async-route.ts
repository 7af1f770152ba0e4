import type { IncomingMessage, ServerResponse } from 'node:http';
import { CloudError } from '#shared/errors.ts';
import { headerValue } from '../http/raw-headers.ts';
import type { Queue } from '../queue/queue.ts';
import { forwardedHeaders } from './forwarding-headers.ts';
import type { FunctionRoute } from './function-route.ts';
import { readBody, sendError, sendText } from './http-answers.ts';

interface AsyncRouteOptions {
  readonly queue: Queue;
  readonly maxBodyBytes: number;
  readonly servedBy: string;
}

/**
 * `POST /async-function/NAME`: the call waits in the queue; 202 once it lies on disk. Whether the
 * function exists is seen when it is called.
 */
export function createAsyncRoute({ queue, maxBodyBytes, servedBy }: AsyncRouteOptions) {
  return async (
    request: IncomingMessage,
    response: ServerResponse,
    { name, path }: FunctionRoute,
  ): Promise<void> => {
    const { headers, callId, isNewCall, startTime } = forwardedHeaders(request);
    const callbackUrl = headerValue(headers, 'x-callback-url');
    if (callbackUrl !== undefined && !isHttpUrl(callbackUrl)) {
      request.resume();
      return sendError(
        response,
        new CloudError('OFC_BAD_REQUEST', 'X-Callback-Url is not an absolute http or https URL.'),
      );
    }
    const body = await readBody(request, maxBodyBytes).catch((error: unknown) => {
      if (!(error instanceof CloudError)) throw error;
      response.setHeader('Connection', 'close');
      sendText(response, 500, error.text);
    });
    if (body === undefined) return;
    await queue.enqueue({
      function: name,
      path,
      headers,
      body,
      callId,
      ...(callbackUrl === undefined ? {} : { callbackUrl }),
    });
    response
      .writeHead(202, {
        ...(isNewCall ? { 'X-Call-Id': callId } : {}),
        'X-Start-Time': startTime,
        'X-Served-By': servedBy,
        'Content-Length': 0,
      })
      .end();
  };
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
