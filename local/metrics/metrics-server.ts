import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface MetricsServerOptions {
  readonly render: () => string;
  /** Prometheus' query API; gives `false` for other paths. */
  readonly api?: (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;
  /** 0 (the default) takes a free port. */
  readonly port?: number;
}

/**
 * Serves `/metrics` and `/healthz` on a loopback port of its own, as OpenFaaS does: the public
 * listener has neither.
 */
export async function createMetricsServer({
  render,
  api = async () => false,
  port = 0,
}: MetricsServerOptions): Promise<{ url: string; close(): Promise<void> }> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url?.split('?')[0];
    if (await api(request, response)) return;
    if (path !== '/metrics' && path !== '/healthz') return void response.writeHead(404).end();
    if (request.method !== 'GET') return void response.writeHead(405).end();
    if (path === '/healthz') return void response.end('OK');
    response.setHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8').end(render());
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
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
