import type { IncomingMessage } from 'node:http';
import type { RawContext } from '#runtime-types';
import type { Decision } from '#shared/auth/decision.ts';
import { errorMessage } from '#shared/errors.ts';
import { identityHeader, signIdentity } from '#shared/messages/identity.ts';
import { signatureHeader } from '#shared/messages/signature.ts';
import { signVisitor } from '#shared/messages/visitor.ts';
import type { AuthClient } from '#shared/router/auth-client.ts';
import { headerValues } from '#shared/router/header-values.ts';
import { addressKey, createLimiter } from '#shared/router/limiter.ts';
import { requestHeaders } from '#shared/router/request-headers.ts';
import { resolve } from '#shared/router/resolve.ts';
import { wantsHtml } from '#shared/web/error-page.ts';
import type { RouterConfig } from './config.ts';
import { type Destination, type Directory, locate } from './locate.ts';
import type { RouterMetrics } from './metrics.ts';

/** What becomes of a request. `leave` must be called when it has ended, whatever it is; once more does no harm. */
export type Admission = { readonly to?: Destination | undefined; leave(): void } & (
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly message?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'health' }
  | { readonly kind: 'redirect'; readonly location: string }
  | {
      readonly kind: 'admitted';
      readonly to: Destination;
      /** Names and values in turn, for the function. */
      readonly headers: string[];
      /** A renewed session, for the answer. */
      readonly setCookie: string | undefined;
    }
);

/** Decides about requests, the same for HTTP and WebSockets: resolve → limit → find → decide; at once if it can. */
export type Admit = (
  request: IncomingMessage,
  callId: string,
  address: string,
  context: Pick<RawContext, 'log'>,
) => Admission | Promise<Admission>;

/**
 * A session would have to go to a host whose name service belongs to a stranger, who could send the
 * visitor's browser, and with it their name and groups, elsewhere.
 */
const noSignIn =
  'This function asks who you are, so it answers at the address of its owner on this platform only.';

/** Of-auth's own pages are open to everyone on every host. */
const forEveryone: Decision = { allow: true, cacheSeconds: 0 };

/** Makes the one place where it is decided who gets in. */
export function createAdmit(
  config: RouterConfig,
  directory: Directory,
  auth: AuthClient,
  metrics: RouterMetrics,
): Admit {
  const { site, signer } = config;
  const addresses = createLimiter(config.limits.address);
  const owners = createLimiter(config.limits.owner);

  return (request, callId, address, context) => {
    const key = addressKey(address);
    const tooMuch = addresses.enter(key);
    if (tooMuch !== undefined) {
      metrics.limited('address');
      return busy(tooMuch, () => undefined);
    }
    let owner: string | undefined;
    let inside = true;
    const leave = (): void => {
      if (!inside) return;
      inside = false;
      addresses.leave(key);
      if (owner !== undefined) owners.leave(owner);
    };
    const host = visitorHost(request, config.hostSource);
    const resolution = resolve(site, request.method ?? '', host, request.url ?? '');
    if (resolution.kind === 'refused') {
      const { status, allow } = resolution;
      return { kind: 'refused', status, headers: allow === undefined ? {} : { allow }, leave };
    }
    if (resolution.kind === 'health') return { kind: 'health', leave };

    let to: Destination | undefined;
    const ask = (located: Destination | undefined): Admission | Promise<Admission> => {
      if (located === undefined) return { kind: 'refused', status: 404, leave };
      to = located;
      const { tenant, asking, isCustomDomain } = located;
      if (tenant !== undefined) {
        const full = owners.enter(tenant.owner);
        if (full !== undefined) {
          metrics.limited('owner');
          return busy(full, leave, to);
        }
        owner = tenant.owner;
      }
      if (isCustomDomain && asking?.question.protection !== undefined) {
        return { kind: 'refused', status: 403, message: noSignIn, to, leave };
      }
      const answer = asking === undefined ? forEveryone : auth.decide(asking, callId);
      metrics.decided(answer instanceof Promise ? 'asked' : 'kept');
      return answer instanceof Promise
        ? answer.then((decision) => obey(decision, located))
        : obey(answer, located);
    };
    const obey = (decision: Decision, to: Destination): Admission => {
      if (!decision.allow) return refuse(decision, request, to, leave);
      const headers = requestHeaders(request.rawHeaders, {
        callId,
        address,
        host: host ?? '',
        scheme: site.scheme,
        keepCookies: to.keepCookies,
      });
      if (decision.identity !== undefined && to.tenant === undefined) {
        const signed = signIdentity(signer, to.function, to.path, decision.identity);
        headers.push(identityHeader, signed.identity, signatureHeader, signed.signature);
      }
      if (to.function === 'of-auth') {
        headers.push(...signVisitor(signer, to.path, { host: to.host, address }));
      }
      return { kind: 'admitted', to, headers, setCookie: decision.setCookie, leave };
    };
    const closed = (error: unknown): Admission => {
      metrics.decided('failed');
      context.log.error('No decision about a request.', { error: errorMessage(error) });
      return { kind: 'refused', status: 503, headers: { 'retry-after': '1' }, to, leave };
    };
    try {
      const located = locate(directory, resolution, request);
      const admission = located instanceof Promise ? located.then(ask) : ask(located);
      return admission instanceof Promise ? admission.catch(closed) : admission;
    } catch (error) {
      return closed(error);
    }
  };

  function refuse(
    { status, message, signIn }: Extract<Decision, { allow: false }>,
    request: IncomingMessage,
    to: Destination,
    leave: () => void,
  ): Admission {
    if (signIn === undefined || request.method !== 'GET' || !wantsHtml(request)) {
      return { kind: 'refused', status, message, to, leave };
    }
    const back = encodeURIComponent(request.url ?? '/');
    const location = `${site.scheme}://${to.host}${signIn}?r=${back}`;
    return { kind: 'redirect', location, to, leave };
  }
}

function busy(seconds: number, leave: () => void, to?: Destination): Admission {
  return { kind: 'refused', status: 429, headers: { 'retry-after': `${seconds}` }, to, leave };
}

/** The one value that names the visitor's host; `undefined` if there are none or several. */
function visitorHost(request: IncomingMessage, source: 'forwarded' | 'host'): string | undefined {
  const hosts = headerValues(request.rawHeaders, 'host');
  if (hosts.length > 1) return undefined;
  const values = source === 'host' ? hosts : headerValues(request.rawHeaders, 'x-forwarded-host');
  return values.length === 1 ? values[0] : undefined;
}
