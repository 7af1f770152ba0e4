import type { RawHandler } from '#runtime-types';
import { decisionPath, parseQuestion, sessionHeader, tokenHeader } from '#shared/auth/decision.ts';
import { createLoginLimit } from '#shared/auth/login-limit.ts';
import { subjectOf } from '#shared/auth/person.ts';
import { tenantPaths } from '#shared/auth/tenant-paths.ts';
import { type CloudError, toCloudError } from '#shared/errors.ts';
import { signatureHeader } from '#shared/messages/signature.ts';
import { readVisitor } from '#shared/messages/visitor.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { sendError } from '#shared/web/error-page.ts';
import { type Answer, json, send } from './answer.ts';
import type { AuthConfig } from './config.ts';
import { decide } from './decide.ts';
import { beginHandOver, finishHandOver, grantHandOver, leaveHost } from './hand-over.ts';
import { health } from './health.ts';
import { homePage } from './home.ts';
import { beginLogin, callbackPath, chooseLogin, finishLogin } from './login.ts';
import { logout, logoutForm } from './logout.ts';
import { endOtherSessions, endSession, listSessions } from './own-sessions.ts';
import { type AuthParts, type Call, type CustomerCheck, createParts } from './parts.ts';

/** A question of the router is answered at once, so it is never old. */
const maxQuestionAgeSeconds = 60;

/** One of of-auth's own routes. */
interface Route {
  /** Whom it answers: everyone on the system host, or on a host of an owner, or functions of the platform. */
  readonly at: 'system' | 'owner' | 'platform';
  /** Whether it is a part of a login, of which there may be only so many a minute. */
  readonly isLogin?: true;
  answer(call: Call, host: string): Answer | Promise<Answer>;
}

/**
 * Makes of-auth's handler.
 *
 * @param now Milliseconds, for tests.
 * @throws CloudError `OFC_CONFIG` if a key cannot be used.
 */
export function createAuth(
  config: AuthConfig,
  store: ObjectStore,
  customers: CustomerCheck,
  now: () => number = Date.now,
): RawHandler {
  const { site, signer } = config;
  const parts = createParts(config, store, customers, now);
  const routes = routesOf(parts);
  const limit = createLoginLimit(config.loginRate, config.loginRateTotal, now);

  return async (request, response, { callId, log }) => {
    const target = request.url ?? '/';
    const [path = '/', query = ''] = target.split(/\?(.*)/s);
    const fail = (status: number, message?: string, headers?: Record<string, string>) =>
      sendError(request, response, { status, message, callId, headers: headers ?? {} });
    const visitor = readVisitor(signer, target, request.headers);
    const host = visitor?.host ?? site.systemHost;
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const route = routes.get(`${method} ${path}`);
    if (route === undefined) return fail(404);
    if (route.at !== 'platform' && (route.at === 'system') !== (host === site.systemHost)) {
      return fail(404);
    }
    // Whoever comes past the router shares one place in the queue.
    const wait = route.isLogin ? limit.take(visitor?.address ?? 'inside') : 0;
    if (wait > 0) {
      const message = `There were too many logins. Try again in ${wait} seconds.`;
      return fail(429, message, { 'retry-after': String(wait) });
    }
    const onFailure = (error: CloudError) =>
      log.error(error.message, { code: error.code, path, cause: causeOf(error) });
    try {
      const answer = await route.answer(
        {
          request,
          query: new URLSearchParams(query),
          visitor,
          onFailure,
          note: (what, person) => log.info(what, { subject: subjectOf(person) }),
        },
        host,
      );
      send(response, answer, request.method !== 'HEAD');
    } catch (thrown) {
      const error = toCloudError(thrown);
      onFailure(error);
      fail(error.status, error.text);
    }
  };
}

function routesOf(parts: AuthParts): ReadonlyMap<string, Route> {
  const { providers } = parts.config;
  const system = (answer: Route['answer']): Route => ({ at: 'system', answer });
  const login = (answer: Route['answer']): Route => ({ at: 'system', isLogin: true, answer });
  const owner = (answer: Route['answer']): Route => ({ at: 'owner', isLogin: true, answer });
  return new Map<string, Route>([
    [`GET ${decisionPath}`, { at: 'platform', answer: (call) => answerRouter(parts, call) }],
    ['GET /q/sessions', { at: 'platform', answer: (call) => listSessions(parts, call) }],
    ['POST /q/sessions/end', { at: 'platform', answer: (call) => endSession(parts, call) }],
    [
      'POST /q/sessions/end-others',
      { at: 'platform', answer: (call) => endOtherSessions(parts, call) },
    ],
    ['GET /', system((call) => homePage(parts, call))],
    ['GET /auth/login', login((call) => chooseLogin(parts, call))],
    ...providers.flatMap((provider): [string, Route][] => [
      [`GET /auth/login/${provider.name}`, login((call) => beginLogin(parts, provider, call))],
      [`GET ${callbackPath(provider)}`, login((call) => finishLogin(parts, provider, call))],
    ]),
    ['GET /auth/hand-over', login((call) => grantHandOver(parts, call))],
    ['GET /auth/logout', system(logoutForm)],
    ['POST /auth/logout', system((call) => logout(parts, call))],
    ['GET /auth/health', system(() => health(parts))],
    [
      'GET /auth/jwks.json',
      system(() => json(200, { keys: parts.keys.jwks }, 'public, max-age=300')),
    ],
    [`GET ${tenantPaths.signIn}`, owner((call, host) => beginHandOver(parts, call, host))],
    [`GET ${tenantPaths.session}`, owner((call, host) => finishHandOver(parts, call, host))],
    [`GET ${tenantPaths.signOut}`, owner(() => leaveHost(parts))],
  ]);
}

async function answerRouter(parts: AuthParts, { request, query }: Call): Promise<Answer> {
  const {
    [signatureHeader]: signature,
    [sessionHeader]: session,
    [tokenHeader]: token,
  } = request.headers;
  parts.config.signer.verify(
    { receiver: 'of-auth', method: 'GET', path: request.url ?? '', body: '' },
    typeof signature === 'string' ? signature : undefined,
    maxQuestionAgeSeconds,
  );
  return json(
    200,
    await decide(parts, parseQuestion(query), {
      session: typeof session === 'string' ? session : undefined,
      token: typeof token === 'string' ? token : undefined,
    }),
  );
}

function causeOf({ cause }: CloudError): string | undefined {
  return cause instanceof Error ? cause.message : undefined;
}
