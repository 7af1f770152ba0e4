import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface MetricsServerOptions {
  readonly render: () => string;
  /** 0 (the default) takes a free port. */
  readonly port?: number;
}

/**
 * Serves `/metrics` and `/healthz` on a loopback port of its own, as OpenFaaS does: the public
 * listener has neither.
 */
export async function createMetricsServer({
  render,
  port = 0,
}: MetricsServerOptions): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path !== '/metrics' && path !== '/healthz') return void response.writeHead(404).end();
    if (request.method !== 'GET') return void response.writeHead(405).end();
    if (path === '/healthz') return void response.end('OK');
    response.setHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8').end(render());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
