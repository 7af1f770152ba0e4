import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createLogger } from '#shared/log.ts';
import {
  createGateway,
  type Gateway,
  type GatewayOptions,
  listenerOptions,
} from '../../local/gateway/gateway.ts';
import { createGatewayMetrics, type GatewayMetrics } from '../../local/metrics/gateway-metrics.ts';
import { createSecretStore, type SecretStore } from '../../local/secrets/secret-store.ts';
import { send, type TestAnswer } from './http-client.ts';
import { tempDir } from './temp-dir.ts';
import { createTestProvider, type TestImage, type TestProvider } from './test-provider.ts';

/** A gateway on a free port, with functions of the test's own. */
export interface TestGateway {
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  readonly gateway: Gateway;
  readonly provider: TestProvider;
  readonly secrets: SecretStore;
  readonly metrics: GatewayMetrics;
  /** Sends JSON to the REST API. */
  api(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<TestAnswer>;
  /** Deploys an image under a name; throws unless it was accepted. */
  deploy(service: string, image: string, more?: Record<string, unknown>): Promise<void>;
  /** Stops it all; `keepFolder` for a second start over the same data. */
  close(options?: { keepFolder?: boolean }): Promise<void>;
}

/** Starts a {@link TestGateway}. */
export async function startTestGateway(
  images: Readonly<Record<string, TestImage>>,
  options: Partial<GatewayOptions> = {},
): Promise<TestGateway> {
  const dir = await tempDir();
  const folder = options.folder ?? dir.path;
  const provider = createTestProvider(dir.path, images);
  const secrets = await createSecretStore({ folder: join(folder, 'secrets') });
  const metrics = createGatewayMetrics();
  const gateway = await createGateway({
    provider,
    secrets,
    metrics,
    log: createLogger({}, () => undefined),
    auth: undefined,
    version: { release: '1.2.3', sha: 'abc' },
    startPage: () => '<h1>start</h1>',
    ...options,
    folder,
  });
  const server = createServer(listenerOptions, gateway.handle);
  server.on('upgrade', gateway.upgrade);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await gateway.start({ port });

  const api: TestGateway['api'] = (method, path, body, headers = {}) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    // Node frames the body of a DELETE only if it is told its length.
    const length = { 'content-length': Buffer.byteLength(text) };
    return send(port, path, { method, headers: { ...length, ...headers }, body: text });
  };

  return {
    port,
    url: `http://127.0.0.1:${port}`,
    folder,
    gateway,
    provider,
    secrets,
    metrics,
    api,
    async deploy(service, image, more = {}) {
      const answer = await api('POST', '/system/functions', { service, image, ...more });
      if (answer.status !== 202) throw new Error(`${answer.status} ${answer.body}`);
    },
    async close({ keepFolder = false } = {}) {
      server.close();
      server.closeAllConnections();
      await gateway.close();
      await provider.close();
      if (!keepFolder) await dir.remove();
    },
  };
}

/** What a function saw of a request. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: string[];
  readonly body: Buffer;
}

/** Reads a request to its end. */
export async function readSeen(request: IncomingMessage): Promise<Seen> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return {
    method: request.method ?? '',
    url: request.url ?? '',
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    body: Buffer.concat(chunks),
  };
}
