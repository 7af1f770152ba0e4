import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendJson } from '../functions/of-router/stage.ts';
import { type SoakAuth, startSoakAuth } from './soak-auth.ts';

/** A time in which something was down, by `performance.now()`. */
export interface Outage {
  readonly from: number;
  to: number;
}

/** The gateway, of-auth and the functions of a soak, which come and go. */
export interface World {
  readonly cookies: SoakAuth['cookies'];
  readonly url: string;
  /** Version of each public function that is deployed. */
  readonly versions: Map<string, number>;
  readonly outages: Outage[];
  /** Requests that reached a function that nobody may reach. */
  readonly intrusions: string[];
  update(name: string): void;
  remove(name: string): void;
  /** Kills of-auth, or brings it back. */
  auth(up: boolean): Promise<void>;
  /** Stops the gateway, connections and all, or starts it on the same port. */
  gateway(up: boolean): Promise<void>;
  close(): Promise<void>;
}

const annotations = { 'com.openfaas.cloud.auth': 'owner' };
const labels = { 'com.openfaas.cloud.git-cloud': '1', 'com.openfaas.cloud.git-owner': 'alice' };

/** Makes a {@link World}: `fn0` … of alice are public, `secret` is for alice alone. */
export async function createWorld(functions: number): Promise<World> {
  const auth = await startSoakAuth();
  const versions = new Map<string, number>(
    Array.from({ length: functions }, (_, i) => [`fn${i}`, 1]),
  );
  const outages: Outage[] = [];
  const intrusions: string[] = [];
  // No version comes twice, not even after a removal.
  let newest = 1;
  let authUp = true;
  let gatewayUp = true;
  const note = (): void => {
    const last = outages.at(-1);
    const open = last?.to === Number.POSITIVE_INFINITY ? last : undefined;
    if (!authUp || !gatewayUp) {
      if (open === undefined)
        outages.push({ from: performance.now(), to: Number.POSITIVE_INFINITY });
    } else if (open !== undefined) open.to = performance.now();
  };

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = request.url ?? '';
    if (url === '/system/functions') {
      const list = [...versions.keys()].map((key) => ({ name: `alice-${key}`, labels }));
      const secret = { name: 'alice-secret', labels, annotations };
      sendJson(response, [...list, secret, { name: 'git-tar' }]);
      return;
    }
    if (url.startsWith('/function/of-auth/')) return void auth.pass(request, response);
    const [, key = '', rest = ''] = /^\/function\/alice-([a-z0-9]+)(.*)$/.exec(url) ?? [];
    const version = versions.get(key);
    if (key === 'secret') {
      if (rest !== '/yes') intrusions.push(url);
      return void response.end('secret');
    }
    if (version === undefined) {
      if (key === '') intrusions.push(url);
      return void response.writeHead(404, { 'x-openfaas-internal': 'gateway' }).end();
    }
    response.setHeader('x-version', `${key}:${version}`);
    if (rest === '/crash') return void request.socket.destroy();
    if (rest === '/cut') return void response.write('part', () => response.destroy());
    if (rest === '/large') return void response.end(Buffer.alloc(300_000, 'x'));
    if (rest === '/stream') {
      let parts = 0;
      const timer = setInterval(() => {
        response.write('part');
        if (++parts === 5) {
          clearInterval(timer);
          response.end();
        }
      }, 5);
      response.once('close', () => clearInterval(timer));
      return;
    }
    request.pipe(response);
  };

  let server: Server;
  let port = 0;
  const start = async (): Promise<void> => {
    server = createServer({ keepAliveTimeout: 30_000 }, answer);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  };
  await start();
  const gateway = async (up: boolean): Promise<void> => {
    if (up) await start();
    gatewayUp = up;
    note();
    if (up) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return {
    cookies: auth.cookies,
    url: `http://127.0.0.1:${port}`,
    versions,
    outages,
    intrusions,
    update: (name) => void versions.set(name, ++newest),
    remove: (name) => void versions.delete(name),
    async auth(up) {
      if (up) await auth.start();
      authUp = up;
      note();
      if (!up) await auth.kill();
    },
    gateway,
    async close() {
      await gateway(false);
      await auth.close();
    },
  };
}
