import type { IncomingMessage } from 'node:http';
import type { ReceivedRequest } from './receive.ts';

/** A request of a handler that streams, as the checks of messages take it. */
export function receivedRequest(
  request: IncomingMessage,
  rawBody: Buffer = Buffer.alloc(0),
): ReceivedRequest {
  const [path = '/', ...query] = (request.url ?? '/').split('?');
  const { method = '', headers } = request;
  return { method, path, rawQuery: query.join('?'), headers, rawBody };
}
