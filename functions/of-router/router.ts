import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RawContext } from '#runtime-types';
import { readCookie, sessionCookieName } from '#shared/auth/cookies.ts';
import type { Decision } from '#shared/auth/decision.ts';
import { systemResource, tenantResource } from '#shared/auth/route-policy.ts';
import { errorMessage } from '#shared/errors.ts';
import { createGatewayClient } from '#shared/gateway/gateway-client.ts';
import { createHttp1Client } from '#shared/http1/http1-client.ts';
import { createLogger } from '#shared/log.ts';
import { identityHeader, signIdentity } from '#shared/messages/identity.ts';
import { signatureHeader } from '#shared/messages/signature.ts';
import { createAuthClient } from '#shared/router/auth-client.ts';
import { clientAddress } from '#shared/router/client-address.ts';
import { type ForwardResult, forward } from '#shared/router/forward.ts';
import { createFunctionIndex } from '#shared/router/function-index.ts';
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
  /** What of-auth is asked about. */
  readonly resource: string;
  /** Path and query as the function sees them. */
  readonly path: string;
  /** Path and query below the gateway. */
  readonly upstreamPath: string;
  /** `true`: of-auth, which handles the platform's cookies. */
  readonly keepCookies: boolean;
  readonly timeoutMs: number;
}

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
  const sessionCookie = sessionCookieName(site);

  /** `undefined`: there is no such function. */
  const locate = async (
    resolution: Extract<Resolution, { kind: 'system' | 'tenant' }>,
  ): Promise<Destination | undefined> => {
    const { path, query } = resolution;
    if (resolution.kind === 'system') {
      const { function: name, cookies, timeoutMs: patience = timeoutMs } = resolution.route;
      return {
        function: name,
        resource: systemResource(name),
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
      resource: tenantResource(found.service),
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
      to = await locate(resolution);
      if (to === undefined) return fail(404);
      // The session belongs to the system host; elsewhere such a cookie is none of ours.
      const session =
        resolution.kind === 'system' ? readCookie(request.headers.cookie, sessionCookie) : '';
      const answer = auth.decide(to.resource, session ?? '', callId);
      decision = answer instanceof Promise ? await answer : answer;
    } catch (error) {
      context.log.error('No decision about a request.', { error: errorMessage(error) });
      return fail(503, undefined, { 'retry-after': '1' });
    }
    if (!decision.allow) {
      if (decision.login === true && request.method === 'GET' && wantsHtml(request)) {
        const back = encodeURIComponent(site.systemOrigin + (request.url ?? '/'));
        const location = `${site.systemOrigin}/auth/login?r=${back}`;
        response.writeHead(302, { location, 'cache-control': 'no-store' }).end();
        return { result: 302, to };
      }
      return { ...fail(decision.status, decision.reason), to };
    }

    const headers = requestHeaders(request.rawHeaders, {
      callId,
      address: clientAddress(
        request.headersDistinct['x-forwarded-for']?.join(','),
        config.trustedProxies,
        request.socket.remoteAddress,
      ),
      host: host ?? '',
      scheme: site.scheme,
      keepCookies: to.keepCookies,
    });
    if (decision.identity !== undefined && to.owner === undefined) {
      const signed = signIdentity(signer, to.function, to.path, decision.identity);
      headers.push(identityHeader, signed.identity, signatureHeader, signed.signature);
    }
    const result = await forward(upstream, request, response, {
      path: to.upstreamPath,
      headers,
      keepCookies: to.keepCookies,
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
