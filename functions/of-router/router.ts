import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RawContext } from '#runtime-types';
import type { Decision } from '#shared/auth/decision.ts';
import { errorMessage } from '#shared/errors.ts';
import { createGatewayClient } from '#shared/gateway/gateway-client.ts';
import { createHttp1Client } from '#shared/http1/http1-client.ts';
import { createLogger } from '#shared/log.ts';
import { identityHeader, signIdentity } from '#shared/messages/identity.ts';
import { signatureHeader } from '#shared/messages/signature.ts';
import { signVisitor } from '#shared/messages/visitor.ts';
import { createAuthClient } from '#shared/router/auth-client.ts';
import { clientAddress } from '#shared/router/client-address.ts';
import { type ForwardResult, forward } from '#shared/router/forward.ts';
import { createFunctionIndex } from '#shared/router/function-index.ts';
import { type Asking, askAboutFunction, askAboutRoute } from '#shared/router/question.ts';
import { requestHeaders } from '#shared/router/request-headers.ts';
import { type Resolution, resolve } from '#shared/router/resolve.ts';
import { sendError, wantsHtml } from '#shared/web/error-page.ts';
import type { RouterConfig } from './config.ts';

/** A router that is ready to take requests. */
export interface Router {
  handle(request: IncomingMessage, response: ServerResponse, context: RawContext): Promise<void>;
  close(): Promise<void>;
}

/** Where one request goes, once it is known. */
interface Destination {
  readonly function: string;
  readonly owner?: string;
  /** The host that was called: canonical, with the site's port. */
  readonly host: string;
  /** What of-auth is asked; absent where it answers everyone itself. */
  readonly asking?: Asking;
  /** Path and query as the function sees them. */
  readonly path: string;
  /** Path and query below the gateway. */
  readonly upstreamPath: string;
  /** `true`: of-auth, which handles the platform's cookies. */
  readonly keepCookies: boolean;
  readonly timeoutMs: number;
}

/** Of-auth's own pages are open to everyone on every host. */
const forEveryone: Decision = { allow: true, cacheSeconds: 0 };

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Makes the router: resolve → find → decide → forward, each step may end the request. */
export function createRouter(config: RouterConfig): Router {
  const { site, signer, timeoutMs } = config;
  const log = createLogger({ function: 'of-router' });
  const gateway = new URL(config.gateway.url);
  const prefix = `${gateway.pathname.replace(/\/$/, '')}/function/`;
  const upstream = createHttp1Client({
    origin: new URL(gateway.origin),
    connectTimeoutMs: Math.min(timeoutMs, 10_000),
  });
  const client = createGatewayClient(config.gateway);
  const auth = createAuthClient({
    gatewayUrl: config.gateway.url,
    signer,
    maxCacheMs: config.authCacheMs,
  });
  const index = createFunctionIndex({
    list: () => client.list(),
    refreshMs: config.indexRefreshMs,
    onRefreshFailed: (error) =>
      log.warn('The list of functions could not be refreshed.', { error: errorMessage(error) }),
  });

  /** `undefined`: there is no such function. */
  const locate = async (
    resolution: Extract<Resolution, { kind: 'system' | 'tenant' | 'sign-in' }>,
    request: IncomingMessage,
  ): Promise<Destination | undefined> => {
    const { host, path, query } = resolution;
    if (resolution.kind === 'sign-in') {
      const upstreamPath = `${prefix}of-auth${path}${query}`;
      return {
        function: 'of-auth',
        host,
        path: path + query,
        upstreamPath,
        keepCookies: true,
        timeoutMs,
      };
    }
    if (resolution.kind === 'system') {
      const { route } = resolution;
      const { function: name, cookies, timeoutMs: patience = timeoutMs } = route;
      return {
        function: name,
        host,
        asking: askAboutRoute(site, host, route, request),
        path: path + query,
        upstreamPath: prefix + name + path + query,
        keepCookies: cookies,
        timeoutMs: patience,
      };
    }
    const hit = index.find(resolution.label, resolution.key);
    const found = hit instanceof Promise ? await hit : hit;
    if (found === undefined) return undefined;
    return {
      function: found.service,
      owner: found.owner,
      host,
      asking: askAboutFunction(site, host, found, request),
      path: path + query,
      upstreamPath: prefix + found.service + path + query,
      keepCookies: false,
      timeoutMs,
    };
  };

  const handle = async (
    request: IncomingMessage,
    response: ServerResponse,
    context: RawContext,
  ): Promise<{ result: string | number; to?: Destination }> => {
    const callId = uuid.test(context.callId) ? context.callId : crypto.randomUUID();
    const fail = (status: number, message?: string, headers: Record<string, string> = {}) => {
      sendError(request, response, { status, message, callId, headers });
      return { result: status };
    };
    const host = visitorHost(request, config.hostSource);
    const resolution = resolve(site, request.method ?? '', host, request.url ?? '');
    if (resolution.kind === 'refused') {
      const { status, allow } = resolution;
      return fail(status, undefined, allow === undefined ? {} : { allow });
    }
    if (resolution.kind === 'health') {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('OK');
      return { result: 200 };
    }
    if (request.headers.upgrade?.toLowerCase() === 'websocket') return fail(501);

    let to: Destination | undefined;
    let decision: Decision;
    try {
      to = await locate(resolution, request);
      if (to === undefined) return fail(404);
      const answer = to.asking === undefined ? forEveryone : auth.decide(to.asking, callId);
      decision = answer instanceof Promise ? await answer : answer;
    } catch (error) {
      context.log.error('No decision about a request.', { error: errorMessage(error) });
      return fail(503, undefined, { 'retry-after': '1' });
    }
    if (!decision.allow) {
      const { signIn } = decision;
      if (signIn !== undefined && request.method === 'GET' && wantsHtml(request)) {
        const location = `${site.scheme}://${to.host}${signIn}?r=${encodeURIComponent(request.url ?? '/')}`;
        response.writeHead(302, { location, 'cache-control': 'no-store' }).end();
        return { result: 302, to };
      }
      return { ...fail(decision.status, decision.message), to };
    }

    const address = clientAddress(
      request.headersDistinct['x-forwarded-for']?.join(','),
      config.trustedProxies,
      request.socket.remoteAddress,
    );
    const headers = requestHeaders(request.rawHeaders, {
      callId,
      address,
      host: host ?? '',
      scheme: site.scheme,
      keepCookies: to.keepCookies,
    });
    if (decision.identity !== undefined && to.owner === undefined) {
      const signed = signIdentity(signer, to.function, to.path, decision.identity);
      headers.push(identityHeader, signed.identity, signatureHeader, signed.signature);
    }
    if (to.function === 'of-auth') {
      headers.push(...signVisitor(signer, to.path, { host: to.host, address }));
    }
    const result = await forward(upstream, request, response, {
      path: to.upstreamPath,
      headers,
      keepCookies: to.keepCookies,
      extraHeaders: renewing(decision.setCookie),
      timeoutMs: to.timeoutMs,
    });
    if (typeof result === 'number') fail(result);
    return { result, to };
  };

  return {
    async handle(request, response, context) {
      const began = performance.now();
      const { result, to } = await handle(request, response, context);
      context.log.info('routed', {
        method: request.method,
        status: response.headersSent ? response.statusCode : null,
        ...(isBroken(result) ? { ended: result } : {}),
        ms: Math.round((performance.now() - began) * 10) / 10,
        owner: to?.owner,
        target: to?.function,
      });
    },
    async close() {
      upstream.close();
      await auth.close();
    },
  };
}

/** A session that goes on: nobody but its person's browser may keep the answer that says so. */
function renewing(setCookie: string | undefined): string[] {
  return setCookie === undefined ? [] : ['set-cookie', setCookie, 'cache-control', 'no-store'];
}

function isBroken(result: ForwardResult | string | number): result is 'gone' | 'cut' {
  return result === 'gone' || result === 'cut';
}

/** The one value that names the visitor's host; `undefined` if there are none or several. */
function visitorHost(request: IncomingMessage, source: 'forwarded' | 'host'): string | undefined {
  const { host, 'x-forwarded-host': forwarded } = request.headersDistinct;
  if (host !== undefined && host.length > 1) return undefined;
  const values = source === 'host' ? host : forwarded;
  return values?.length === 1 ? values[0] : undefined;
}
