import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { RawHandler } from '#runtime-types';
import { toCloudError } from '#shared/errors.ts';
import { createLogger } from '#shared/log.ts';
import { send, type TestAnswer } from './http-client.ts';
import { listen, type TestServer } from './listen.ts';

/** Serves a raw handler as the runtime does: an error becomes the answer, as JSON. */
export function serveRaw(raw: RawHandler): Promise<TestServer> {
  return listen(async (request, response) => {
    const gone = new AbortController();
    response.on('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    const log = createLogger({}, () => undefined);
    try {
      await raw(request, response, {
        callId: 'test',
        signal: gone.signal,
        log,
        note: () => undefined,
      });
    } catch (error) {
      const { status, text, code } = toCloudError(error);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: text, code }));
    }
  });
}

/** What a raw handler answers to one request. */
export async function callRawHandler(
  raw: RawHandler,
  request: IncomingMessage,
): Promise<TestAnswer> {
  const server = await serveRaw(raw);
  try {
    const { method = 'GET', url = '/' } = request;
    const { 'transfer-encoding': _, ...headers } = request.headers;
    const body = await buffer(request);
    return await send(server.port, url, {
      method,
      headers: { ...headers, 'content-length': body.length },
      body,
    });
  } finally {
    await server.close();
  }
}
