import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import type { MetricsSource } from '../provider/process-provider.ts';

interface MetricsServerOptions {
  readonly render: () => string;
  /** Processes with metrics of their own. */
  readonly sources?: () => readonly MetricsSource[];
  /** Prometheus' query API; gives `false` for other paths. */
  readonly api?: (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;
  /** 0 (the default) takes a free port. */
  readonly port?: number;
}

/**
 * Serves `/metrics` and `/healthz` on a loopback port of its own, as OpenFaaS does: the public
 * listener has neither. `/sd` tells Prometheus where the functions' own metrics are.
 *
 * @see https://prometheus.io/docs/prometheus/latest/http_sd/
 */
export async function createMetricsServer({
  render,
  sources = () => [],
  api = async () => false,
  port = 0,
}: MetricsServerOptions): Promise<{ url: string; close(): Promise<void> }> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url?.split('?')[0];
    if (await api(request, response)) return;
    const instance = /^\/metrics\/([\w.-]+)$/.exec(path ?? '')?.[1];
    const source = sources().find((each) => each.instance === instance);
    const known = path === '/metrics' || path === '/healthz' || path === '/sd';
    if (!known && source === undefined) return void response.writeHead(404).end();
    if (request.method !== 'GET') return void response.writeHead(405).end();
    if (path === '/healthz') return void response.end('OK');
    if (path === '/sd') {
      response.setHeader('Content-Type', 'application/json');
      return void response.end(JSON.stringify(targets(request.headers.host ?? '', sources())));
    }
    const text = source === undefined ? render() : await readMetrics(source.socketPath);
    response.setHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8').end(text);
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

function targets(host: string, sources: readonly MetricsSource[]): object[] {
  return sources.map(({ service, instance }) => ({
    targets: [host],
    labels: { __metrics_path__: `/metrics/${instance}`, faas_function: service, instance },
  }));
}

const sourceTimeoutMs = 5000;

function readMetrics(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(sourceTimeoutMs);
    get({ socketPath, path: '/metrics', signal }, (answer) => {
      readText(answer).then(resolve, reject);
    }).on('error', reject);
  });
}
