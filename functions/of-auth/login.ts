import { loginCookieName, serializeCookie, sessionCookieName } from '#shared/auth/cookies.ts';
import {
  type LoginAttempt,
  type LoginAttempts,
  loginLifetimeSeconds,
} from '#shared/auth/login-attempt.ts';
import type { OAuthProvider, Profile } from '#shared/auth/oauth-provider.ts';
import { safeReturnPath } from '#shared/auth/return-path.ts';
import type { Sessions } from '#shared/auth/session.ts';
import { CloudError, toCloudError } from '#shared/errors.ts';
import type { Identity } from '#shared/messages/identity.ts';
import { parseOwner } from '#shared/names.ts';
import type { Site } from '#shared/router/site.ts';
import { html } from '#shared/web/html.ts';
import { type Answer, page, redirect } from './answer.ts';
import { type CustomerCheck, isCustomer } from './decide.ts';

/** What the two steps of a login need. */
export interface LoginParts {
  readonly site: Site;
  readonly provider: OAuthProvider;
  readonly attempts: LoginAttempts;
  readonly sessions: Sessions;
  readonly sessionSeconds: number;
  readonly customers: CustomerCheck;
}

/** `GET /auth/login?r=<where to go afterwards>`: sends the visitor to the provider. */
export function beginLogin(parts: LoginParts, query: URLSearchParams): Answer {
  const { site, provider, attempts } = parts;
  const { attempt, challenge, cookie } = attempts.begin(safeReturnPath(site, query.get('r')));
  const request = { redirectUri: redirectUri(site), state: attempt.state, challenge };
  return redirect(302, provider.authorizeUrl(request), [
    serializeCookie(site, loginCookieName(site), cookie, loginLifetimeSeconds),
  ]);
}

/**
 * `GET /auth/callback?code&state`: the provider sent the visitor back. Whatever goes wrong ends in a
 * page that says what it was and offers another try.
 *
 * @param onFailure Is told about everything that is not the visitor's own doing.
 */
export async function finishLogin(
  parts: LoginParts,
  query: URLSearchParams,
  loginCookie: string | undefined,
  onFailure: (error: CloudError) => void,
): Promise<Answer> {
  const { site, provider, attempts, sessions, customers, sessionSeconds } = parts;
  let attempt: LoginAttempt;
  try {
    attempt = attempts.finish(loginCookie, onlyValue(query, 'state'));
  } catch {
    const why =
      'This login was begun in another browser, was finished before, or took longer than ten minutes.';
    return failed(400, why, '/', []);
  }
  const cleared = [serializeCookie(site, loginCookieName(site), '', 0)];
  const { returnPath, verifier } = attempt;
  const refusal = query.get('error');
  if (refusal !== null) {
    const why =
      refusal === 'access_denied'
        ? 'The login was cancelled.'
        : `The provider refused the login (${refusal.slice(0, 100)}).`;
    return failed(403, why, returnPath, cleared);
  }
  try {
    const code = onlyValue(query, 'code');
    const profile = await provider.profile({ code, verifier, redirectUri: redirectUri(site) });
    const identity = identityOf(provider.name, profile);
    if (!(await isCustomer(identity, customers))) {
      const why = `${identity.login} is not on the list of customers. Ask the operator of this platform to add you.`;
      return failed(403, why, returnPath, cleared);
    }
    const token = sessions.create(identity);
    return redirect(302, site.systemOrigin + returnPath, [
      serializeCookie(site, sessionCookieName(site), token, sessionSeconds),
      ...cleared,
    ]);
  } catch (thrown) {
    const error = toCloudError(thrown);
    if (error.kind !== 'user') onFailure(error);
    return failed(error.status, error.text, returnPath, cleared);
  }
}

function redirectUri(site: Site): string {
  return `${site.systemOrigin}/auth/callback`;
}

/** Owners are lower case; a group whose name cannot be an owner's owns nothing here. */
function identityOf(provider: string, { id, login, groups }: Profile): Identity {
  const owners = [login, ...groups].flatMap((name) => {
    try {
      return [String(parseOwner(name))];
    } catch {
      return [];
    }
  });
  return { subject: `${provider}:${id}`, login, owners: [...new Set(owners)] };
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
  const body = html`<p>${why}</p><p><a href="${again}">Try again</a></p>`;
  return page(status, 'You are not signed in', body, cookies);
}
