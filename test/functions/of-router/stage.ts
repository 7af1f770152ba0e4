import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RawContext } from '#runtime-types';
import { createLogger } from '#shared/log.ts';
import { createSigner, type Signer } from '#shared/messages/signature.ts';
import { parseSite } from '#shared/router/site.ts';
import type { RouterConfig } from '../../../functions/of-router/config.ts';
import { createRouter } from '../../../functions/of-router/router.ts';
import { listen } from '../../helpers/listen.ts';

/** A router between a client and a server that plays the gateway, all of them real. */
export interface Stage {
  readonly port: number;
  readonly signer: Signer;
  /** Lines of the router's log. */
  readonly lines: string[];
  /** Requests that reached a function; `url` is below `/function`. */
  readonly seen: { method: string; url: string; rawHeaders: string[]; body: string }[];
  /** Questions that reached of-auth. */
  readonly questions: { url: string; headers: IncomingMessage['headers'] }[];
  readonly lists: () => number;
  metrics(): Promise<string>;
  close(): Promise<void>;
}

export interface StageOptions {
  /** Tenants' functions by deployed name; the value is the owner label. */
  readonly functions?: Record<string, string>;
  /** Annotations of tenants' functions by deployed name. */
  readonly annotations?: Record<string, Record<string, string>>;
  /** Plays WebSockets at the gateway. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Plays the functions; by default they answer `hello` after reading the body. */
  readonly answer?: RequestListener;
  /** Plays of-auth; by default everything is allowed. */
  readonly auth?: RequestListener;
  readonly list?: (response: ServerResponse) => void;
  readonly config?: Partial<RouterConfig>;
}

/** `GET /hello` of alice, unless a test says otherwise. */
export const toAlice = { headers: { 'x-forwarded-host': 'alice.example.com' } };
export const toSystem = { headers: { 'x-forwarded-host': 'system.example.com' } };

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** Builds the stage. `functions` may be changed while it stands. */
export async function buildStage(options: StageOptions = {}): Promise<Stage> {
  const { functions = { 'alice-hello': 'alice' }, config } = options;
  const seen: Stage['seen'] = [];
  const questions: Stage['questions'] = [];
  const lines: string[] = [];
  let lists = 0;
  const gateway = await listen((request, response) => {
    const url = request.url ?? '';
    if (url === '/system/functions') {
      lists += 1;
      if (options.list !== undefined) return options.list(response);
      return sendJson(
        response,
        Object.entries(functions).map(([name, owner]) => ({
          ...tenantFunction([name, owner]),
          annotations: options.annotations?.[name],
        })),
      );
    }
    if (url.startsWith('/function/of-auth/q/')) {
      questions.push({ url: url.slice('/function/of-auth'.length), headers: request.headers });
      if (options.auth !== undefined) return options.auth(request, response);
      return sendJson(response, { allow: true, cacheSeconds: 60 });
    }
    const record = {
      method: request.method ?? '',
      url: url.startsWith('/function') ? url.slice('/function'.length) : url,
      rawHeaders: request.rawHeaders,
      body: '',
    };
    seen.push(record);
    if (options.answer !== undefined) return options.answer(request, response);
    request.on('data', (chunk) => {
      record.body += chunk;
    });
    request.on('end', () => response.end('hello'));
  });
  if (options.upgrade !== undefined) gateway.server.on('upgrade', options.upgrade);
  const signer = createSigner({ current: 'stage-secret' });
  const router = createRouter({
    site: parseSite('https://user.example.com/function'),
    gateway: { url: gateway.url },
    signer,
    hostSource: 'forwarded',
    trustedProxies: 1,
    timeoutMs: 5000,
    indexRefreshMs: 1000,
    authCacheMs: 5000,
    limits: {
      owner: { perSecond: 0, concurrency: 0 },
      address: { perSecond: 0, concurrency: 0 },
    },
    asyncQuota: 60,
    resolveTxt: async () => [],
    ...config,
  });
  const front = await listen((request, response) => {
    const callId = request.headers['x-call-id'];
    const context: RawContext = {
      callId: typeof callId === 'string' ? callId : randomUUID(),
      signal: new AbortController().signal,
      log: createLogger({}, (line) => lines.push(line)),
      note: (fields) =>
        void lines.push(
          JSON.stringify({ method: request.method, status: response.statusCode, ...fields }),
        ),
    };
    void router.handle(request, response, context);
  });
  front.server.on('upgrade', (request, socket, head) => router.upgrade(request, socket, head));
  return {
    port: front.port,
    metrics: router.metrics,
    signer,
    lines,
    seen,
    questions,
    lists: () => lists,
    async close() {
      await front.close();
      router.close();
      await gateway.close();
    },
  };
}

function tenantFunction([name, owner]: [string, string]) {
  return {
    name,
    labels: { 'com.openfaas.cloud.git-cloud': '1', 'com.openfaas.cloud.git-owner': owner },
  };
}

/** The values of one header in a raw list. */
export function valuesOf(raw: readonly string[], name: string): string[] {
  return raw.filter((_, i) => i % 2 === 1 && raw[i - 1]?.toLowerCase() === name);
}
