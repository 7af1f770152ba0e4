import { Resolver } from 'node:dns/promises';
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FunctionLog, RawContext } from '#runtime-types';
import { isForeign } from '#shared/auth/cross-site.ts';
import { errorMessage } from '#shared/errors.ts';
import { createGatewayClient } from '#shared/gateway/gateway-client.ts';
import { createHttp1Client } from '#shared/http1/http1-client.ts';
import { createLogger } from '#shared/log.ts';
import { createAuthClient } from '#shared/router/auth-client.ts';
import { clientAddress } from '#shared/router/client-address.ts';
import { createCustomDomains } from '#shared/router/custom-domains.ts';
import { type ForwardResult, forward } from '#shared/router/forward.ts';
import { forwardUpgrade, isWebSocket } from '#shared/router/forward-upgrade.ts';
import { createFunctionIndex } from '#shared/router/function-index.ts';
import { headerValues } from '#shared/router/header-values.ts';
import type { Site } from '#shared/router/site.ts';
import { sendError } from '#shared/web/error-page.ts';
import { type Admission, createAdmit } from './admit.ts';
import { createAsyncCalls } from './async-call.ts';
import type { RouterConfig } from './config.ts';
import type { Destination } from './locate.ts';
import { createRouterMetrics } from './metrics.ts';

/** A router that is ready to take requests. */
export interface Router {
  handle(
    request: IncomingMessage,
    response: ServerResponse,
    context: RawContext,
  ): void | Promise<void>;
  /** Takes a connection on which another protocol was asked for. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  /** Its own series, in Prometheus' text format. */
  metrics(): Promise<string>;
  close(): void;
}

type Admitted = Extract<Admission, { kind: 'admitted' }>;
/** How a request ended; a status is still to be shown. */
type Ended = ForwardResult | 403 | 501;
/** Sends a request on, and says once how it ended. */
type Send = (admitted: Admitted, fail: Fail, end: (ended: Ended) => void) => void;
/** Shows an error. */
type Fail = (status: number, message?: string, headers?: Readonly<Record<string, string>>) => void;

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Makes the router: resolve → limit → find → decide → forward, each step may end the request. */
export function createRouter(config: RouterConfig): Router {
  const { site, signer, timeoutMs } = config;
  const log = createLogger({ function: 'of-router' });
  const gateway = new URL(config.gateway.url);
  const base = gateway.pathname.replace(/\/$/, '');
  const origin = new URL(gateway.origin);
  const upstream = createHttp1Client({ origin, connectTimeoutMs: Math.min(timeoutMs, 10_000) });
  const client = createGatewayClient(config.gateway);
  const auth = createAuthClient({ upstream, base, signer, maxCacheMs: config.authCacheMs });
  const dns = new Resolver({ timeout: 2000, tries: 2 });
  const domains = createCustomDomains({
    site,
    resolveTxt: config.resolveTxt ?? ((name) => dns.resolveTxt(name)),
    onProblem: (message, host) => log.warn(message, { host }),
  });
  const index = createFunctionIndex({
    list: () => client.list(),
    refreshMs: config.indexRefreshMs,
    onRefreshFailed: (error) =>
      log.warn('The list of functions could not be refreshed.', { error: errorMessage(error) }),
    onLoaded: domains.update,
  });
  const metrics = createRouterMetrics();
  const admit = createAdmit(config, { site, index, domains }, auth, metrics);
  const asyncCall = createAsyncCalls(config.asyncQuota);

  /** One request from its first to its last moment, of which `onEnd` is told. A promise if it could not be sent at once. */
  const serve = (
    request: IncomingMessage,
    response: ServerResponse,
    context: Pick<RawContext, 'callId' | 'log' | 'note'>,
    send: Send,
    onEnd?: () => void,
  ): void | Promise<void> => {
    const began = performance.now();
    metrics.begin();
    const callId = uuid.test(context.callId) ? context.callId : crypto.randomUUID();
    const address = clientAddress(
      headerValues(request.rawHeaders, 'x-forwarded-for').join(','),
      config.trustedProxies,
      request.socket.remoteAddress,
    );
    const go = (admission: Admission): void => {
      const { to } = admission;
      const fail: Fail = (status, message, headers = {}) => {
        const more = { ...transportOf(site, to), ...headers };
        sendError(request, response, { status, message, callId, headers: more });
      };
      const end = (ended: Ended): void => {
        admission.leave();
        if (typeof ended === 'number') fail(ended);
        const kind = to === undefined ? 'none' : to.tenant === undefined ? 'platform' : 'function';
        const status = ended === 'gone' ? 499 : response.statusCode;
        metrics.end(kind, status, (performance.now() - began) / 1000);
        if (ended === 'gone' || ended === 'cut') context.note({ ended });
        onEnd?.();
      };
      // Now, because the line of the log may be written as soon as the answer has left.
      context.note(notes(address, to, callId === context.callId ? undefined : callId));
      try {
        if (admission.kind === 'admitted') {
          send(admission, fail, end);
        } else {
          answer(admission, response, transportOf(site, to), fail);
          end('done');
        }
      } catch (error) {
        admission.leave();
        throw error;
      }
    };
    const admission = admit(request, callId, address, context);
    // Whatever is known at once goes on at once.
    return admission instanceof Promise ? admission.then(go) : go(admission);
  };

  const sendHttp =
    (request: IncomingMessage, response: ServerResponse): Send =>
    ({ to, headers, setCookie }, fail, end) => {
      const call = asyncCall(request, to);
      if (call.kind === 'refused') {
        if (call.status === 429) metrics.limited('async');
        const { retryAfter } = call;
        const more = retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` };
        fail(call.status, undefined, more);
        return end('done');
      }
      const queued = call.kind === 'queue';
      const outgoing = {
        path: `${base}${queued ? '/async-function/' : '/function/'}${to.function}${to.path}`,
        headers,
        keepCookies: to.keepCookies,
        extraHeaders: extraHeaders(setCookie, queued),
        defaultHeaders: transportOf(site, to),
        timeoutMs: to.timeoutMs ?? timeoutMs,
      };
      forward(upstream, request, response, outgoing, end);
    };

  const sendSocket =
    (request: IncomingMessage, response: ServerResponse, socket: Duplex, head: Buffer): Send =>
    ({ to, headers }, _fail, end) => {
      // A WebSocket carries the cookies of whoever's page opened it, and is not held to one answer.
      const origin_ = `${site.scheme}://${to.host}`;
      const { protection } = to.asking?.question ?? {};
      if (protection !== undefined && request.headers.origin !== undefined) {
        if (request.headers.origin !== origin_ || isForeign('POST', request.headers, origin_)) {
          return end(403);
        }
      }
      if (to.tenant === undefined) return end(501);
      const path = `${base}/function/${to.function}${to.path}`;
      void forwardUpgrade(request, response, socket, head, {
        origin,
        path,
        headers,
        timeoutMs,
      }).then(end);
    };

  return {
    handle: (request, response, context) =>
      serve(request, response, context, sendHttp(request, response)),
    async upgrade(request, socket, head) {
      const began = performance.now();
      const response = new ServerResponse(request);
      response.shouldKeepAlive = false;
      response.assignSocket(socket as Socket);
      response.once('finish', () => socket.end());
      const callId = crypto.randomUUID();
      let noted = {};
      const context = {
        callId,
        log: log.with({ callId }) as FunctionLog,
        note: (fields: object) => {
          noted = { ...noted, ...fields };
        },
      };
      // Another protocol than WebSocket need not be spoken: the request is answered as it is.
      const send = isWebSocket(request)
        ? sendSocket(request, response, socket, head)
        : sendHttp(request, response);
      if (/^websocket$/i.test(request.headers.upgrade ?? '') !== isWebSocket(request)) {
        sendError(request, response, { status: 400, callId });
      } else if (hasBody(request)) {
        // Node hands the body over unread; nobody here would know where it ends.
        sendError(request, response, { status: 501, callId });
      } else {
        await new Promise<void>((resolve, reject) => {
          serve(request, response, context, send, resolve)?.catch(reject);
        });
      }
      log.info('upgrade', {
        callId,
        path: request.url?.split('?', 1)[0],
        status: response.headersSent ? response.statusCode : 101,
        durationMs: Math.round(performance.now() - began),
        ...noted,
      });
    },
    metrics: metrics.render,
    close: () => upstream.close(),
  };
}

/** Answers what is not forwarded. */
function answer(
  admission: Exclude<Admission, Admitted>,
  response: ServerResponse,
  transport: Readonly<Record<string, string>>,
  fail: Fail,
): void {
  switch (admission.kind) {
    case 'refused':
      fail(admission.status, admission.message, admission.headers);
      return;
    case 'health':
      response.writeHead(200, { 'content-type': 'text/plain' }).end('OK');
      return;
    case 'redirect': {
      const { location } = admission;
      response.writeHead(302, { ...transport, location, 'cache-control': 'no-store' }).end();
    }
  }
}

const strictTransport = { 'strict-transport-security': 'max-age=31536000' };
const none = {};

/** Browsers stay with HTTPS on the platform's hosts (RFC 6797); a custom domain is its owner's to bind. */
function transportOf(site: Site, to: Destination | undefined): Readonly<Record<string, string>> {
  const isBound = site.scheme === 'https' && to !== undefined && !to.isCustomDomain;
  return isBound ? strictTransport : none;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** What the access log says besides; what is absent is left out of the line. */
function notes(client: string, to: Destination | undefined, forwardedCallId: string | undefined) {
  return {
    client,
    target: to?.function,
    host: to?.host,
    owner: to?.tenant?.owner,
    forwardedCallId,
  };
}

const renewed = ['cache-control', 'no-store'];
const applied = ['preference-applied', 'respond-async'];

/** What the router adds to an answer. Of a session that goes on only its person's browser may keep the answer. */
function extraHeaders(setCookie: string | undefined, queued: boolean): string[] | undefined {
  if (setCookie === undefined) return queued ? applied : undefined;
  return ['set-cookie', setCookie, ...renewed, ...(queued ? applied : [])];
}
