import { expect } from 'chai';
import { createGitlabOAuth } from '#shared/auth/gitlab-oauth.ts';
import { type AuthStage, buildAuthStage, signIn, vouched } from '../functions/of-auth/stage.ts';
import { buildStage, type Stage } from '../functions/of-router/stage.ts';
import { send, type TestAnswer } from '../helpers/http-client.ts';

/** CWE-1021, CWE-79: what every page of ours says, also one that tells of a failure. */
function expectGuarded(answer: TestAnswer, what: string): void {
  const { headers, body } = answer;
  expect(headers['content-security-policy'], what).to.match(
    /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
  );
  expect(headers, what).to.include({
    'content-type': 'text/html; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cache-control': 'no-store',
  });
  // It needs no scripts, and nothing from elsewhere.
  expect(body, what).to.match(/^<!doctype html>/);
  expect(body, what).to.not.match(/<script|<link|<img|<iframe|\son\w+=|javascript:/i);
}

const accept = { accept: 'text/html' };

describe('pages of of-auth', () => {
  let stage: AuthStage;
  before(async () => {
    stage = await buildAuthStage();
  });
  after(() => stage.close());

  const alice = 'alice.example.com';
  const pages: [status: number, path: string, host?: string, method?: string][] = [
    [200, '/'],
    [200, '/auth/logout'],
    [403, '/auth/logout', 'system.example.com', 'POST'],
    [400, '/auth/callback?code=x&state=y'],
    [400, '/auth/callback?error=%3Cscript%3E&state=y'],
    [404, '/auth/none'],
    [404, '/auth/login', alice],
    [400, '/.well-known/openfaas-cloud/session?code=x', alice],
  ];
  for (const [status, path, host = 'system.example.com', method = 'GET'] of pages) {
    it(`${method} ${host}${path}: ${status}`, async () => {
      const headers = { ...accept, ...vouched(stage, path, { host }) };
      const answer = await send(stage.port, path, { method, headers });
      expect(answer.status).to.equal(status);
      expectGuarded(answer, path);
    });
  }

  it('that say that there is no log-in now', async () => {
    const { '/api/user': before } = stage.provider;
    stage.provider['/api/user'] = (response) => response.destroy();
    const answer = await signIn(stage);
    if (before !== undefined) stage.provider['/api/user'] = before;
    expect(answer.status).to.equal(502);
    expectGuarded(answer, 'a provider that hangs up');
  });

  it('that offer providers, and that say that there were too many tries', async () => {
    const client = { baseUrl: 'https://gitlab.com', clientId: 'c', clientSecret: 's' };
    const providers = ['gitlab', 'gitlab-work'].map((name) =>
      createGitlabOAuth({ ...client, name }),
    );
    const few = await buildAuthStage({ providers, loginRate: 1 });
    const path = '/auth/login?r=%22%3E%3Cscript%3E';
    for (const status of [200, 429]) {
      const answer = await send(few.port, path, { headers: accept });
      expect(answer.status).to.equal(status);
      expectGuarded(answer, String(status));
    }
    await few.close();
  });

  it('and documents are not guessed at', async () => {
    for (const path of ['/auth/jwks.json', '/auth/health', '/auth/none']) {
      const { headers } = await send(stage.port, path);
      expect(headers, path).to.include({
        'content-type': 'application/json',
        'x-content-type-options': 'nosniff',
      });
    }
  });
});

describe('error pages of of-router', () => {
  let stage: Stage;
  let failing = false;
  before(async () => {
    stage = await buildStage({
      auth: (_, response) =>
        failing
          ? response.destroy()
          : response.end(JSON.stringify({ allow: true, cacheSeconds: 0 })),
      answer: (request) => request.socket.destroy(),
    });
  });
  after(() => stage.close());

  const pages: [status: number, host: string, path: string, method?: string][] = [
    [404, 'alice.example.com', '/none'],
    [404, 'unknown.test', '/'],
    [404, 'system.example.com', '/git-tar'],
    [400, 'alice.example.com', '/hello/%2e%2e/x'],
    [400, 'a@b', '/'],
    [405, 'system.example.com', '/list-functions', 'DELETE'],
    [414, 'alice.example.com', `/${'a'.repeat(9000)}`],
    [502, 'alice.example.com', '/hello', 'POST'],
    [503, 'alice.example.com', '/hello'],
  ];
  for (const [status, host, path, method = 'GET'] of pages) {
    it(`${method} ${host}${path.slice(0, 20)}: ${status}`, async () => {
      failing = status === 503;
      const headers = { ...accept, 'x-forwarded-host': host };
      const answer = await send(stage.port, path, { method, headers });
      expect(answer.status).to.equal(status);
      expectGuarded(answer, path);
      expect(answer.body).to.not.contain('127.0.0.1');
    });
  }
});
