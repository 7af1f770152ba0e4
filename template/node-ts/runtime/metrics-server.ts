import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { FunctionLog } from '../function/types.ts';
import { errorFields } from './error-fields.ts';
import { listen } from './listen.ts';

/** Serves `GET /metrics` on a port or socket of its own. A taken one is logged; the function runs without. */
export async function serveMetrics(
  where: number | string,
  render: () => Promise<string>,
  log: FunctionLog,
): Promise<void> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const type = { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' };
    if (request.url?.split('?', 1)[0] !== '/metrics') {
      response.writeHead(404, type).end('Not found.\n');
      return;
    }
    try {
      const text = await render();
      response.writeHead(200, type).end(text);
    } catch (error) {
      log.error('The metrics of the handler failed.', errorFields(error));
      response.writeHead(500, type).end('Failed.\n');
    }
  };
  const server = createServer((request, response) => void answer(request, response));
  // The last one to keep the process running must be the function's own server.
  server.unref();
  try {
    log.info('metrics', { address: await listen(server, where) });
  } catch (error) {
    log.error('The metrics port cannot be used.', errorFields(error));
  }
}
