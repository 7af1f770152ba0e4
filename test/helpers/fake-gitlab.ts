import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { html } from '#shared/web/html.ts';
import { renderPage } from '#shared/web/page.ts';
import { listen } from './listen.ts';

/** Somebody who has an account. */
export interface GitlabUser {
  readonly id: number;
  readonly username: string;
  /** Full paths, direct and inherited. */
  readonly groups: readonly string[];
  readonly owned?: readonly string[];
}

/** The log-in of a GitLab, as far as an application meets it. */
export interface FakeGitlab {
  readonly url: string;
  /** Codes that are out count as expired while this is true. */
  expireCodes: boolean;
  close(): Promise<void>;
}

interface Options {
  readonly users: readonly GitlabUser[];
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
  /** The scopes that the application was registered with. */
  readonly scopes?: readonly string[];
}

interface Grant {
  readonly user: GitlabUser;
  readonly challenge: string;
}

/**
 * Plays GitLab's authorisation code flow with PKCE and its OpenID Connect answers: the page that asks
 * for consent, `POST /oauth/token`, `GET /oauth/userinfo`. Who sits there chooses who they are.
 *
 * @see https://docs.gitlab.com/api/oauth2/
 */
export async function startFakeGitlab(options: Options): Promise<FakeGitlab> {
  const { users, clientId, clientSecret, redirectUri, scopes = ['openid'] } = options;
  const codes = new Map<string, Grant>();
  const tokens = new Map<string, GitlabUser>();
  const state = { expireCodes: false };

  const authorize = (response: ServerResponse, query: URLSearchParams) => {
    const scope = query.get('scope') ?? '';
    const problem =
      query.get('client_id') !== clientId
        ? 'Client authentication failed due to unknown client.'
        : query.get('redirect_uri') !== redirectUri
          ? 'The redirect URI included is not valid.'
          : query.get('response_type') !== 'code' || query.get('code_challenge_method') !== 'S256'
            ? 'The request is missing a required parameter.'
            : undefined;
    if (problem !== undefined) return sendPage(response, 422, problem);
    if (!scope.split(' ').every((wanted) => scopes.includes(wanted))) {
      return back(response, query.get('state'), { error: 'invalid_scope' });
    }
    const hidden = ['state', 'code_challenge'].map(
      (name) => html`<input type="hidden" name="${name}" value="${query.get(name)}">`,
    );
    const buttons = users.map(
      ({ username }) =>
        html`<button name="user" value="${username}">Authorize as ${username}</button>`,
    );
    sendPage(
      response,
      200,
      html`<form method="post" action="/oauth/authorize">${hidden}${buttons}<button name="user" value="">Cancel</button></form>`,
    );
  };
  const grant = (response: ServerResponse, form: URLSearchParams) => {
    const user = users.find(({ username }) => username === form.get('user'));
    if (user === undefined) return back(response, form.get('state'), { error: 'access_denied' });
    const code = randomBytes(32).toString('hex');
    codes.set(code, { user, challenge: form.get('code_challenge') ?? '' });
    back(response, form.get('state'), { code });
  };
  const back = (response: ServerResponse, given: string | null, answer: Record<string, string>) => {
    const query = new URLSearchParams({ ...answer, ...(given === null ? {} : { state: given }) });
    response.writeHead(302, { location: `${redirectUri}?${query}` }).end();
  };
  const exchange = (response: ServerResponse, form: URLSearchParams) => {
    if (form.get('client_id') !== clientId || form.get('client_secret') !== clientSecret) {
      return sendJson(response, 401, { error: 'invalid_client' });
    }
    const code = form.get('code') ?? '';
    const found = state.expireCodes ? undefined : codes.get(code);
    codes.delete(code);
    const verifier = form.get('code_verifier') ?? '';
    const digest = createHash('sha256').update(verifier).digest('base64url');
    const isRight =
      found !== undefined &&
      found.challenge === digest &&
      form.get('grant_type') === 'authorization_code' &&
      form.get('redirect_uri') === redirectUri;
    if (!isRight) return sendJson(response, 400, { error: 'invalid_grant' });
    const token = randomBytes(32).toString('hex');
    tokens.set(token, found.user);
    sendJson(response, 200, {
      access_token: token,
      token_type: 'Bearer',
      expires_in: 7200,
      refresh_token: randomBytes(32).toString('hex'),
      scope: 'openid',
      created_at: Math.floor(Date.now() / 1000),
    });
  };
  const userInfo = (request: IncomingMessage, response: ServerResponse) => {
    const user = tokens.get(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '');
    if (user === undefined) return sendJson(response, 401, { error: 'invalid_token' });
    const { id, username, groups, owned = [] } = user;
    sendJson(response, 200, {
      sub: String(id),
      name: username,
      nickname: username,
      preferred_username: username,
      groups,
      'https://gitlab.org/claims/groups/owner': owned,
    });
  };

  const server = await listen(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://gitlab');
    const form = async () => {
      let body = '';
      for await (const chunk of request) body += chunk;
      return new URLSearchParams(body);
    };
    const route = `${request.method} ${url.pathname}`;
    if (route === 'GET /oauth/authorize') authorize(response, url.searchParams);
    else if (route === 'POST /oauth/authorize') grant(response, await form());
    else if (route === 'POST /oauth/token') exchange(response, await form());
    else if (route === 'GET /oauth/userinfo') userInfo(request, response);
    else response.writeHead(404).end();
  });
  return Object.assign(state, { url: server.url, close: server.close });
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function sendPage(
  response: ServerResponse,
  status: number,
  content: Parameters<typeof renderPage>[1] | string,
): void {
  const body = typeof content === 'string' ? html`<p>${content}</p>` : content;
  response
    .writeHead(status, { 'content-type': 'text/html; charset=utf-8' })
    .end(renderPage('GitLab', body));
}
