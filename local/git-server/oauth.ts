import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import { html } from '#shared/web/html.ts';
import { HttpError } from './http-error.ts';
import type { GitServerOptions } from './options.ts';
import { sendPage } from './page-layout.ts';
import { parseLogin } from './repo-path.ts';
import type { RepoStore } from './repo-store.ts';
import { readFields } from './request-body.ts';
import type { Tokens } from './tokens.ts';

/** A log-in that an application asked for. */
interface Authorization {
  readonly redirectUri: string;
  readonly state: string | null;
  readonly scope: string;
  readonly challenge: string | null;
}

interface OAuthOptions {
  readonly app: GitServerOptions['app'];
  readonly store: RepoStore;
  readonly tokens: Tokens;
  readonly basePath: string;
}

/** GitHub's codes live this long. */
const lifeMs = 10 * 60 * 1000;

/**
 * Log-in of a local user: the authorisation code flow of GitHub's OAuth apps, with PKCE. There are
 * no passwords: who sits at this machine says who they are. For one machine only.
 *
 * @see https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
 */
export function createOAuth({ app, store, tokens, basePath }: OAuthOptions) {
  // A form is answered under a name that only its page knew, so another site cannot send one.
  const forms = new LRUCache<string, Authorization>({ max: 1000, ttl: lifeMs });
  const codes = new LRUCache<string, Authorization & { login: string }>({ max: 1000, ttl: lifeMs });

  const ask = (response: ServerResponse, query: URLSearchParams): void => {
    if (query.get('client_id') !== app.clientId)
      throw new HttpError(404, 'No application has this client_id.');
    const redirectUri = query.get('redirect_uri') ?? app.callbackUrl();
    if (!isBelow(redirectUri, app.callbackUrl())) {
      throw new HttpError(400, 'The redirect_uri is not associated with this application.');
    }
    const challenge = query.get('code_challenge');
    if (challenge !== null && query.get('code_challenge_method') !== 'S256') {
      throw new HttpError(400, 'The code_challenge_method must be S256.');
    }
    const form = randomBytes(24).toString('base64url');
    forms.set(form, {
      redirectUri,
      state: query.get('state'),
      scope: query.get('scope') ?? '',
      challenge,
    });
    const people = store.accounts().filter(({ type }) => type === 'User');
    const content = html`<h1>Sign in</h1><p>To <strong>${new URL(redirectUri).host}</strong>, as:</p>
<form method="post" action="${basePath}/login/oauth/authorize"><input type="hidden" name="form" value="${form}">
${people.map(({ login }) => html`<button name="user" value="${login}">Sign in as ${login}</button>`)}</form>
<form method="post" action="${basePath}/login/oauth/authorize"><input type="hidden" name="form" value="${form}">
<label>Another name <input name="user" required maxlength="39" autocomplete="username"></label><button>Sign in</button></form>
<p class="faint">This machine's own git server knows no passwords. It is for development.</p>`;
    sendPage(response, 'Sign in', content, { formTarget: new URL(redirectUri).origin });
  };

  const grant = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const fields = await readFields(request);
    const form = fields.get('form') ?? '';
    const authorization = forms.get(form);
    if (authorization === undefined)
      throw new HttpError(400, 'This sign-in page is out of date. Start again.');
    const { login } = await store.ensureAccount(parseLogin((fields.get('user') ?? '').trim()));
    forms.delete(form);
    const code = randomBytes(20).toString('hex');
    codes.set(code, { ...authorization, login });
    const target = new URL(authorization.redirectUri);
    target.searchParams.set('code', code);
    if (authorization.state !== null) target.searchParams.set('state', authorization.state);
    response
      .writeHead(303, {
        location: target.href,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
      })
      .end();
  };

  const exchange = async (fields: ReadonlyMap<string, string>): Promise<Record<string, string>> => {
    const isClient = sameText(fields.get('client_id') ?? '', app.clientId);
    if (!sameText(fields.get('client_secret') ?? '', app.clientSecret) || !isClient) {
      return failure(
        'incorrect_client_credentials',
        'The client_id and/or client_secret passed are incorrect.',
      );
    }
    const code = fields.get('code') ?? '';
    const authorization = codes.get(code);
    codes.delete(code);
    const wrongCode = failure('bad_verification_code', 'The code passed is incorrect or expired.');
    if (authorization === undefined) return wrongCode;
    const redirectUri = fields.get('redirect_uri') ?? authorization.redirectUri;
    if (redirectUri !== authorization.redirectUri) {
      return failure(
        'redirect_uri_mismatch',
        'The redirect_uri MUST match the registered callback URL for this application.',
      );
    }
    const verifier = fields.get('code_verifier') ?? '';
    const digest = createHash('sha256').update(verifier).digest('base64url');
    if (authorization.challenge !== null && !sameText(digest, authorization.challenge))
      return wrongCode;
    const { login, scope } = authorization;
    const token = await tokens.issue({ kind: 'user', login, scope });
    return { access_token: token, scope, token_type: 'bearer' };
  };

  /** Answers what lies below `/login/oauth`; false if it is nothing of that. */
  return async (
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    path: string,
  ): Promise<boolean> => {
    if (path === '/login/oauth/authorize' && request.method === 'GET')
      ask(response, url.searchParams);
    else if (path === '/login/oauth/authorize' && request.method === 'POST')
      await grant(request, response);
    else if (path === '/login/oauth/access_token' && request.method === 'POST') {
      const answer = await exchange(await readFields(request));
      const isJson = request.headers.accept?.includes('json') ?? false;
      const contentType = isJson
        ? 'application/json; charset=utf-8'
        : 'application/x-www-form-urlencoded; charset=utf-8';
      response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' });
      response.end(isJson ? JSON.stringify(answer) : new URLSearchParams(answer).toString());
    } else return false;
    return true;
  };
}

/** GitHub answers such errors with status 200. */
function failure(error: string, description: string): Record<string, string> {
  return {
    error,
    error_description: description,
    error_uri:
      'https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors',
  };
}

/** Whether an address is the allowed one or lies below it: same origin, whole path segments. */
function isBelow(address: string, allowed: string): boolean {
  if (!URL.canParse(address)) return false;
  const asked = new URL(address);
  const base = new URL(allowed);
  const prefix = base.pathname.endsWith('/') ? base.pathname : `${base.pathname}/`;
  const isInside = asked.pathname === base.pathname || asked.pathname.startsWith(prefix);
  const isPlain = asked.username === '' && asked.password === '' && asked.hash === '';
  return (
    asked.origin === base.origin && isInside && isPlain && !/%2e|%2f|%5c/i.test(asked.pathname)
  );
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
