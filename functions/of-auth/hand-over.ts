import { beginFlow, flowCookieName, readCookie, serializeCookie } from '#shared/auth/cookies.ts';
import { loginLifetimeSeconds } from '#shared/auth/login-attempt.ts';
import { safeReturnPath } from '#shared/auth/return-path.ts';
import { tenantPaths } from '#shared/auth/tenant-paths.ts';
import { CloudError } from '#shared/errors.ts';
import { html } from '#shared/web/html.ts';
import { type Answer, page, redirect } from './answer.ts';
import type { AuthParts, Call } from './parts.ts';

/** `GET <owner's host>/.well-known/openfaas-cloud/sign-in?r=<path>`: asks the system host for a session. */
export function beginHandOver(
  { config: { site }, handOver }: AuthParts,
  { query, request: { headers } }: Call,
  host: string,
): Answer {
  const returnPath = safeReturnPath(`${site.scheme}://${host}`, query.get('r'));
  const { cookie, request, challenge } = handOver.begin(host, returnPath);
  return redirect(
    302,
    `${site.systemOrigin}/auth/hand-over?request=${request}`,
    beginFlow(site, 'handOver', challenge, cookie, loginLifetimeSeconds, headers.cookie),
  );
}

/** `GET <system host>/auth/hand-over?request=…`: gives a code for the host that asks, after a login if need be. */
export async function grantHandOver(
  { config: { site }, handOver, cookies, sessions }: AuthParts,
  { query, request: { headers } }: Call,
): Promise<Answer> {
  const request = query.get('request') ?? '';
  const session = await sessions.read(readCookie(headers.cookie, cookies.session), site.systemHost);
  if (session === undefined) {
    const back = `/auth/hand-over?request=${encodeURIComponent(request)}`;
    return redirect(302, `${site.systemOrigin}/auth/login?r=${encodeURIComponent(back)}`);
  }
  try {
    const { host, code, challenge } = await handOver.grant(request, session);
    const back = `${tenantPaths.session}?code=${code}&for=${challenge}`;
    return moveOn(host, `${site.scheme}://${host}${back}`);
  } catch (thrown) {
    if (!(thrown instanceof CloudError) || thrown.kind !== 'user') throw thrown;
    const body = html`<p>This link has expired, or is not whole. Go back to the page you came from and open it again.</p>`;
    return page(400, 'You are not signed in there', body);
  }
}

/**
 * A page that leads on by itself. Not a redirect: browsers hold a provider's `form-action` against
 * every redirect that follows its form, and owners' hosts do not stand in it.
 */
function moveOn(host: string, location: string): Answer {
  const answer = page(200, 'Signing in', html`<p><a href="${location}">Go on to ${host}</a></p>`);
  return { ...answer, headers: { ...answer.headers, refresh: `0; url=${location}` } };
}

/** `GET <owner's host>/.well-known/openfaas-cloud/session?code=…&for=…`: the visitor is back with a code. */
export async function finishHandOver(
  { config: { site }, handOver, cookies, sessions }: AuthParts,
  { query, request: { headers } }: Call,
  host: string,
): Promise<Answer> {
  try {
    const name = flowCookieName(site, 'handOver', query.get('for') ?? '');
    const cookie = readCookie(headers.cookie, name);
    const { session, returnPath } = await handOver.redeem(host, cookie, query.get('code') ?? '');
    const { token, seconds } = sessions.forHost(session, host);
    return redirect(302, `${site.scheme}://${host}${returnPath}`, [
      serializeCookie(site, cookies.tenant, token, seconds),
      serializeCookie(site, name, '', 0),
    ]);
  } catch (thrown) {
    if (!(thrown instanceof CloudError) || thrown.kind !== 'user') throw thrown;
    const body = html`<p>The sign-in took longer than a minute, was finished before, or was begun in another browser.</p>
<p><a class="button" href="${tenantPaths.signIn}">Try again</a></p>`;
    return page(400, 'You are not signed in', body);
  }
}

/** `GET <owner's host>/.well-known/openfaas-cloud/sign-out`: forgets the session here, and leads to where it ends. */
export function leaveHost({ config: { site }, cookies }: AuthParts): Answer {
  return redirect(302, `${site.systemOrigin}/auth/logout`, [
    serializeCookie(site, cookies.tenant, '', 0),
  ]);
}
