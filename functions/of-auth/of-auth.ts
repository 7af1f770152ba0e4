import type { IncomingMessage } from 'node:http';
import type { RawHandler } from '#runtime-types';
import { loginCookieName, readCookie, sessionCookieName } from '#shared/auth/cookies.ts';
import { decisionPath, sessionHeader } from '#shared/auth/decision.ts';
import { createGithubOAuth } from '#shared/auth/github-oauth.ts';
import { createLoginAttempts } from '#shared/auth/login-attempt.ts';
import { createSessions } from '#shared/auth/session.ts';
import { createTokenKeys } from '#shared/auth/token.ts';
import { type CloudError, toCloudError } from '#shared/errors.ts';
import { signatureHeader } from '#shared/messages/signature.ts';
import { sendError } from '#shared/web/error-page.ts';
import { type Answer, json, send } from './answer.ts';
import type { AuthConfig } from './config.ts';
import { type CustomerCheck, decide } from './decide.ts';
import { homePage } from './home.ts';
import { beginLogin, finishLogin, type LoginParts } from './login.ts';
import { logout, logoutForm } from './logout.ts';

/** A question of the router is answered at once, so it is never old. */
const maxQuestionAgeSeconds = 60;

/**
 * Makes of-auth's handler.
 *
 * @throws CloudError `OFC_CONFIG` if a key cannot be used.
 */
export function createAuth(config: AuthConfig, customers: CustomerCheck): RawHandler {
  const { site, signer, sessionSeconds } = config;
  const keys = createTokenKeys(config.keys);
  const sessions = createSessions(keys, site.systemHost, sessionSeconds);
  const login: LoginParts = {
    site,
    provider: createGithubOAuth(config.oauth),
    attempts: createLoginAttempts(keys, site.systemHost),
    sessions,
    sessionSeconds,
    customers,
  };

  const answerRouter = async (request: IncomingMessage, query: URLSearchParams) => {
    const signature = request.headers[signatureHeader];
    signer.verify(
      { receiver: 'of-auth', method: 'GET', path: request.url ?? '', body: '' },
      typeof signature === 'string' ? signature : undefined,
      maxQuestionAgeSeconds,
    );
    const token = request.headers[sessionHeader];
    return json(
      200,
      await decide(query.get('resource') ?? '', typeof token === 'string' ? token : undefined, {
        sessions,
        customers,
      }),
    );
  };

  const routes: Readonly<
    Record<
      string,
      (
        request: IncomingMessage,
        query: URLSearchParams,
        onFailure: (error: CloudError) => void,
      ) => Answer | Promise<Answer>
    >
  > = {
    [`GET ${decisionPath}`]: answerRouter,
    'GET /': ({ headers }) =>
      homePage(
        site,
        sessions.read(readCookie(headers.cookie, sessionCookieName(site))),
        config.notes,
      ),
    'GET /auth/login': (_, query) => beginLogin(login, query),
    'GET /auth/callback': ({ headers }, query, onFailure) =>
      finishLogin(login, query, readCookie(headers.cookie, loginCookieName(site)), onFailure),
    'GET /auth/logout': logoutForm,
    'POST /auth/logout': ({ headers }) => logout(site, headers.origin),
    'GET /auth/jwks.json': () => json(200, { keys: keys.jwks }, 'public, max-age=300'),
  };

  return async (request, response, { callId, log }) => {
    const [path = '/', query = ''] = (request.url ?? '/').split(/\?(.*)/s);
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const name = `${method} ${path}`;
    const route = Object.hasOwn(routes, name) ? routes[name] : undefined;
    if (route === undefined) return sendError(request, response, { status: 404, callId });
    const onFailure = (error: CloudError) =>
      log.error(error.message, { code: error.code, path, cause: causeOf(error) });
    try {
      const answer = await route(request, new URLSearchParams(query), onFailure);
      send(response, answer, request.method !== 'HEAD');
    } catch (thrown) {
      const error = toCloudError(thrown);
      onFailure(error);
      sendError(request, response, { status: error.status, message: error.text, callId });
    }
  };
}

function causeOf({ cause }: CloudError): string | undefined {
  return cause instanceof Error ? cause.message : undefined;
}
