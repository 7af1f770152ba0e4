import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerOptions, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { CloudError, errorMessage } from '#shared/errors.ts';
import type { FunctionDeployment } from '#shared/gateway/function-status.ts';
import type { Logger } from '#shared/log.ts';
import { createCron } from '../cron/cron.ts';
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts';
import { type FunctionSpec, functionId, type Provider } from '../provider/provider.ts';
import type { Message } from '../queue/message.ts';
import { createQueue, type Queue } from '../queue/queue.ts';
import { parseRetryPolicy } from '../queue/retry-policy.ts';
import type { SecretStore } from '../secrets/secret-store.ts';
import { alertRoute } from './alert-route.ts';
import { collectingSink, responseSink } from './answer-sink.ts';
import { createAsyncRoute } from './async-route.ts';
import { type Credentials, createBasicAuth, sendUnauthenticated } from './basic-auth.ts';
import { cleanPath } from './clean-path.ts';
import { createDeployments } from './deployments.ts';
import { createEndpointPools } from './endpoint-pools.ts';
import type { UpstreamTimeouts } from './forward.ts';
import { endToEnd, forwardedHeaders, unixNanoseconds } from './forwarding-headers.ts';
import { type FunctionRoute, parseFunctionRoute } from './function-route.ts';
import { functionRoutes } from './function-routes.ts';
import { sendError, sendText } from './http-answers.ts';
import { infoRoutes } from './info-routes.ts';
import { createInvoker } from './invoker.ts';
import { logRoute } from './log-route.ts';
import { addressedId } from './namespace.ts';
import { namespaceRoutes } from './namespace-routes.ts';
import { openNamespaces } from './namespaces.ts';
import { parseDeployment } from './parse-deployment.ts';
import { queueRoutes } from './queue-routes.ts';
import { findRoute, type Route } from './routes.ts';
import { isFromThisMachine, isLoopbackUrl } from './same-machine.ts';
import { secretRoutes } from './secret-routes.ts';
import { openSpecStore } from './spec-store.ts';
import { passUpgrade } from './upgrade.ts';

/** What a gateway is made of. */
export interface GatewayOptions {
  readonly provider: Provider;
  readonly secrets: SecretStore;
  readonly metrics: GatewayMetrics;
  readonly log: Logger;
  /** Where functions (`functions/`) and the queue (`queue/`) are kept. */
  readonly folder: string;
  /** Who may use the system routes; `undefined` opens them to this machine. */
  readonly auth: Credentials | undefined;
  readonly version: { readonly release: string; readonly sha: string };
  /** HTML of `/ui/`. */
  readonly startPage: () => string;
  /** 60 seconds until an answer begins, 5 minutes between two pieces of it. */
  readonly timeouts?: UpstreamTimeouts;
  readonly queue?: {
    /** Calls at a time: 32 of all functions, 8 of one. */
    readonly concurrency?: { readonly total: number; readonly perFunction: number };
    /** How long one asynchronous call may take: 15 minutes. */
    readonly executionTimeoutMs?: number;
    /** Largest body of an asynchronous call: 256,000 bytes, as with OpenFaaS CE. */
    readonly maxBodyBytes?: number;
    /** Largest answer that a callback carries: 1 MiB. */
    readonly maxAnswerBytes?: number;
  };
}

/** OpenFaaS's gateway, for a listener that others share. */
export interface Gateway {
  /** Answers a request. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Answers a listener's `upgrade` event. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** What is deployed. */
  functions(): FunctionSpec[];
  /**
   * Deploys a function, unless it is there as it should be. Its first call starts it, but for one that
   * never scales to zero.
   *
   * @throws CloudError as a refused `PUT /system/functions`.
   */
  ensure(deployment: FunctionDeployment): Promise<void>;
  readonly queue: Queue;
  /**
   * Brings back the functions of an earlier run and begins to deliver the queue.
   *
   * @param port The listener's port: a callback URL with it stays in the process.
   */
  start(listener: { port: number }): Promise<void>;
  /** Stops schedules and the queue, whose running calls may finish, and cuts connections to functions. */
  close(): Promise<void>;
}

/** For `http.createServer`: headers up to 1 MiB (431 beyond), no limit for the time of an upload. */
export const listenerOptions: ServerOptions = {
  maxHeaderSize: 1024 * 1024,
  requestTimeout: 0,
  headersTimeout: 60_000,
  keepAliveTimeout: 65_000,
  noDelay: true,
};

const mebibyte = 1024 * 1024;

/** Makes a {@link Gateway}. Nothing is delivered or brought back before {@link Gateway.start}. */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { provider, secrets, metrics, log, version } = options;
  const timeouts = options.timeouts ?? { upstreamMs: 60_000, idleMs: 300_000 };
  const maxAnswerBytes = options.queue?.maxAnswerBytes ?? mebibyte;
  const servedBy = `openfaas-cloud/${version.release}`;
  let port = 0;

  const specs = await openSpecStore(join(options.folder, 'functions'), log);
  const namespaces = await openNamespaces(options.folder);
  const cron = createCron({ log, fire: (id) => queue.enqueue(scheduledCall(id)) });
  const deployments = createDeployments({ provider, specs, secrets, cron, log });
  const pools = createEndpointPools();
  const parts = { provider, find: specs.get, ready: deployments.ready, metrics, pools, log };
  const invoker = createInvoker({ ...parts, timeouts });
  // The queue has a limit of its own for the whole of a call.
  const patientInvoker = createInvoker({ ...parts, timeouts: { upstreamMs: 0, idleMs: 0 } });

  const queue = await createQueue({
    ...options.queue,
    folder: join(options.folder, 'queue'),
    log,
    retryPolicy: (name) => parseRetryPolicy(specs.get(addressedId(name))?.annotations ?? {}),
    isLocal: (url) => isLoopbackUrl(url, port),
    async invoke(message, signal) {
      const keep = message.callbackUrl === undefined ? undefined : maxAnswerBytes;
      const { sink, answer } = collectingSink(keep);
      await patientInvoker.invoke(asCall(message, signal), sink);
      signal.throwIfAborted();
      return answer();
    },
  });

  metrics.watchReplicas(function* () {
    for (const spec of specs.all()) {
      const { service, namespace } = spec;
      yield [`${service}.${namespace}`, provider.status(functionId(spec))?.replicas ?? 0];
    }
  });

  const routes: Route[] = [
    ...infoRoutes({ provider, version, startPage: options.startPage }),
    ...namespaceRoutes({ namespaces, specs, secrets }),
    ...functionRoutes({ provider, specs, namespaces, deployments, metrics }),
    ...secretRoutes(secrets, namespaces),
    logRoute(provider, specs),
    ...queueRoutes(queue),
    alertRoute(provider, specs, deployments),
  ];
  const isAuthenticated = createBasicAuth(options.auth);

  const callFunction = async (
    request: IncomingMessage,
    response: ServerResponse,
    { name, path }: FunctionRoute,
  ): Promise<void> => {
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    const forwarded = forwardedHeaders(request);
    const call = {
      name,
      path,
      method: request.method ?? 'GET',
      headers: forwarded.headers,
      body: hasBody(request) ? request : undefined,
      signal: gone.signal,
    };
    await invoker.invoke(call, responseSink(request, response, forwarded, servedBy));
  };

  const enqueueCall = createAsyncRoute({
    queue,
    servedBy,
    maxBodyBytes: options.queue?.maxBodyBytes ?? 256_000,
  });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { url = '', method = '' } = request;
    const direct = parseFunctionRoute('/function/', url);
    if (direct !== undefined) return callFunction(request, response, direct);
    const queued = parseFunctionRoute('/async-function/', url);
    if (queued !== undefined) {
      if (method !== 'POST') return sendText(response, 405);
      return enqueueCall(request, response, queued);
    }
    if (!url.startsWith('/')) return sendText(response, 400);
    const [path = '', search] = url.split(/\?(.*)/s);
    const clean = cleanPath(path);
    if (clean !== path) {
      const location = search === undefined ? clean : `${clean}?${search}`;
      return void response.writeHead(301, { Location: location }).end();
    }
    const found = findRoute(routes, path);
    if (found === undefined) return sendText(response, 404, '404 page not found');
    const handler = Object.hasOwn(found.route.methods, method)
      ? found.route.methods[method]
      : undefined;
    if (handler === undefined) return sendText(response, 405);
    if (found.route.open !== true) {
      if (!isFromThisMachine(request)) {
        throw new CloudError('OFC_FORBIDDEN', 'This route is served to this machine only.', {
          hint: 'Ask for it by a loopback name, such as 127.0.0.1 or localhost.',
        });
      }
      if (!isAuthenticated(request)) return sendUnauthenticated(response);
    }
    await handler({ request, response, name: found.name, query: new URLSearchParams(search) });
  };

  return {
    handle(request, response) {
      answer(request, response).catch((error: unknown) => {
        if (!(error instanceof CloudError)) {
          log.error('a request failed', { path: request.url, error: errorMessage(error) });
        }
        if (response.headersSent) response.destroy();
        else sendError(response, error);
      });
    },
    upgrade(request, socket, head) {
      passUpgrade(invoker, timeouts.upstreamMs, request, socket, head).catch((error: unknown) => {
        log.error('an upgrade failed', { path: request.url, error: errorMessage(error) });
        socket.destroy();
      });
    },
    functions: () => specs.all(),
    ensure: (deployment) =>
      deployments.ensure(parseDeployment(deployment, new Date().toISOString())),
    queue,
    async start(listener) {
      port = listener.port;
      const restored = deployments.restore();
      queue.start();
      await restored;
    },
    async close() {
      cron.close();
      await queue.close();
      await pools.close();
    },
  };
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function asCall(message: Message, signal: AbortSignal) {
  return {
    name: message.function,
    method: 'POST',
    path: message.path,
    headers: [...endToEnd(message.headers), 'X-Start-Time', unixNanoseconds()],
    body: message.body,
    signal,
  };
}

/** What a function gets at its time, with the headers of OpenFaaS's cron connector. */
function scheduledCall(id: string): Message {
  const callId = randomUUID();
  return {
    function: id,
    path: '/',
    headers: ['X-Call-Id', callId, 'X-Topic', 'cron-function', 'X-Connector', 'cron-connector'],
    body: new Uint8Array(),
    callId,
  };
}
