import { beginFlow, flowCookieName, readCookie, serializeCookie } from '#shared/auth/cookies.ts';
import { type LoginAttempt, loginLifetimeSeconds } from '#shared/auth/login-attempt.ts';
import type { OAuthProvider } from '#shared/auth/oauth-provider.ts';
import { safeReturnPath } from '#shared/auth/return-path.ts';
import { CloudError, toCloudError } from '#shared/errors.ts';
import type { Site } from '#shared/router/site.ts';
import { html } from '#shared/web/html.ts';
import { type Answer, page, redirect } from './answer.ts';
import type { AuthParts, Call } from './parts.ts';

/** Where a provider sends visitors back to. GitHub's is the one that Apps have registered so far. */
export function callbackPath({ name }: Pick<OAuthProvider, 'name'>): string {
  return name === 'github' ? '/auth/callback' : `/auth/callback/${name}`;
}

/**
 * `GET /auth/login?r=<where to go afterwards>`: sends the visitor to the provider, or offers the
 * providers if there are several.
 */
export function chooseLogin(parts: AuthParts, call: Call): Answer {
  const { providers, site } = parts.config;
  const [only, ...others] = providers;
  if (only !== undefined && others.length === 0) return beginLogin(parts, only, call);
  const back = encodeURIComponent(safeReturnPath(site.systemOrigin, call.query.get('r')));
  const links = providers.map(
    ({ name, title }) =>
      html`<a class="button" href="/auth/login/${name}?r=${back}">Sign in with ${title}</a>\n`,
  );
  return page(
    200,
    'Sign in',
    html`<p>Where do you keep your repos? You sign in there, and come back here.</p><p class="choices">${links}</p>`,
  );
}

/** `GET /auth/login/<provider>?r=…`: sends the visitor to that provider. */
export function beginLogin(
  { config: { site }, attempts }: AuthParts,
  provider: OAuthProvider,
  { query, request: { headers } }: Call,
): Answer {
  const returnPath = safeReturnPath(site.systemOrigin, query.get('r'));
  const { attempt, challenge, cookie } = attempts.begin(provider.name, returnPath);
  const { state } = attempt;
  const request = { redirectUri: redirectUri(site, provider), state, challenge };
  const set = beginFlow(site, 'login', state, cookie, loginLifetimeSeconds, headers.cookie);
  return redirect(302, provider.authorizeUrl(request), set);
}

/**
 * `GET /auth/callback?code&state`: the provider sent the visitor back. Whatever goes wrong ends in a
 * page that says what it was and offers another try.
 */
export async function finishLogin(
  parts: AuthParts,
  provider: OAuthProvider,
  call: Call,
): Promise<Answer> {
  const { attempts, sessions, cookies } = parts;
  const { site } = parts.config;
  const { query, request } = call;
  const fail = (thrown: unknown, returnPath: string, set: string[]): Answer => {
    const error = toCloudError(thrown);
    if (error.kind !== 'user') call.onFailure(error);
    return failed(error.status, error.text, returnPath, set);
  };
  let attempt: LoginAttempt;
  try {
    const state = onlyValue(query, 'state');
    const cookie = readCookie(request.headers.cookie, flowCookieName(site, 'login', state));
    attempt = await attempts.finish(provider.name, cookie, state);
  } catch (thrown) {
    if (thrown instanceof CloudError && thrown.kind !== 'user') return fail(thrown, '/', []);
    const why =
      'This login was begun in another browser, was finished before, or took longer than ten minutes.';
    return failed(400, why, '/', []);
  }
  const { returnPath, verifier, state } = attempt;
  const cleared = [serializeCookie(site, flowCookieName(site, 'login', state), '', 0)];
  const refusal = query.get('error');
  if (refusal !== null) {
    const why =
      refusal === 'access_denied'
        ? 'The login was cancelled.'
        : `${provider.title} refused the login (${refusal.slice(0, 100)}).`;
    return failed(403, why, returnPath, cleared);
  }
  try {
    const code = onlyValue(query, 'code');
    const grant = { code, verifier, redirectUri: redirectUri(site, provider) };
    const person = await provider.profile(grant);
    if (!(await parts.isCustomer(person))) {
      const why = `${person.login} is not on the list of customers. Ask the operator of this platform to add you.`;
      return failed(403, why, returnPath, cleared);
    }
    const { token, seconds } = await sessions.start(person, request.headers['user-agent']);
    call.note('signed in', person);
    return redirect(302, site.systemOrigin + returnPath, [
      serializeCookie(site, cookies.session, token, seconds),
      ...cleared,
    ]);
  } catch (thrown) {
    return fail(thrown, returnPath, cleared);
  }
}

function redirectUri(site: Site, provider: OAuthProvider): string {
  return site.systemOrigin + callbackPath(provider);
}

function onlyValue(query: URLSearchParams, name: string): string {
  const values = query.getAll(name);
  const [value] = values;
  if (values.length !== 1 || value === undefined || !/^[!-~]{1,1024}$/.test(value)) {
    throw new CloudError('OFC_BAD_REQUEST', `The provider's answer lacks a proper "${name}".`);
  }
  return value;
}

function failed(status: number, why: string, returnPath: string, cookies: string[]): Answer {
  const again = `/auth/login?r=${encodeURIComponent(returnPath)}`;
  const body = html`<p>${why}</p><p><a class="button" href="${again}">Try again</a></p>`;
  return page(status, 'You are not signed in', body, cookies);
}
