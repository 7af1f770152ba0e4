import { createServer } from 'node:http';
import type { FunctionLog } from '../function/types.ts';
import { errorFields } from './error-fields.ts';
import type { Lifecycle } from './lifecycle.ts';
import { listen } from './listen.ts';
import type { Metrics } from './metrics.ts';

/** Serves `GET /metrics` on a port of its own. A taken port is logged; the function runs without. */
export async function serveMetrics(
  port: number,
  metrics: Metrics,
  lifecycle: Lifecycle,
  log: FunctionLog,
): Promise<void> {
  const server = createServer((request, response) => {
    const found = request.url?.split('?', 1)[0] === '/metrics';
    response
      .writeHead(found ? 200 : 404, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' })
      .end(found ? metrics.render(lifecycle.inflight) : 'Not found.\n');
  });
  // The last one to keep the process running must be the function's own server.
  server.unref();
  try {
    log.info('metrics', { address: await listen(server, port) });
  } catch (error) {
    log.error('The metrics port cannot be used.', errorFields(error));
  }
}
