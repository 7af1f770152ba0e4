import { expect } from 'chai';
import { createGithubOAuth } from '#shared/auth/github-oauth.ts';
import { createGitlabOAuth } from '#shared/auth/gitlab-oauth.ts';
import { type AuthStage, buildAuthStage, cookiesOf } from '../functions/of-auth/stage.ts';
import { send } from '../helpers/http-client.ts';
import { listen, type TestServer } from '../helpers/listen.ts';

/**
 * The answer of one provider must not be taken for another's (RFC 9207, "mix-up"), nor one browser's
 * login be finished in another (RFC 6749 §10.12), nor a code be of use to who only saw it (RFC 7636).
 */
describe('OAuth: state, PKCE and the provider that was asked', () => {
  let stage: AuthStage;
  let evil: TestServer;
  const toEvil: string[] = [];
  before(async () => {
    evil = await listen((request, response) => {
      toEvil.push(request.url ?? '');
      response.end('{}');
    });
    const client = { clientId: 'client', clientSecret: 'client-secret' };
    stage = await buildAuthStage({
      providers: [
        createGithubOAuth({
          baseUrl: 'http://127.0.0.1:9',
          apiUrl: 'http://127.0.0.1:9',
          ...client,
        }),
        createGitlabOAuth({ name: 'gitlab-evil', baseUrl: evil.url, ...client }),
      ],
    });
  });
  after(async () => {
    await stage.close();
    await evil.close();
  });

  const begin = async (provider: string) => {
    const answer = await send(stage.port, `/auth/login/${provider}`);
    const authorize = new URL(answer.headers.location ?? '');
    const [[name = '', value = ''] = []] = Object.entries(cookiesOf(answer));
    const state = authorize.searchParams.get('state') ?? '';
    return { authorize, state, cookie: `${name}=${value}`, claims: value.split('.')[1] ?? '' };
  };

  it('an answer that comes back at another provider’s address is refused, and its code goes nowhere', async () => {
    const { state, cookie } = await begin('github');
    const path = `/auth/callback/gitlab-evil?code=secret-code&state=${state}`;
    expect((await send(stage.port, path, { headers: { cookie } })).status).to.equal(400);
    expect(toEvil).to.deep.equal([]);
  });

  it('each login has a state and a verifier of its own, and only the digest leaves before the code', async () => {
    const logins = await Promise.all(Array.from({ length: 20 }, () => begin('gitlab-evil')));
    const states = new Set(logins.map(({ state }) => state));
    expect(states.size).to.equal(20);
    for (const { authorize, state, claims } of logins) {
      expect(state).to.match(/^[\w-]{43}$/);
      expect(authorize.searchParams.get('code_challenge_method')).to.equal('S256');
      const { verifier } = JSON.parse(Buffer.from(claims, 'base64url').toString());
      expect(verifier).to.match(/^[\w-]{43}$/);
      expect(authorize.href).to.not.contain(verifier);
    }
  });

  it('a login cannot be finished by GET of its callback without its browser', async () => {
    const { state } = await begin('gitlab-evil');
    const answer = await send(stage.port, `/auth/callback/gitlab-evil?code=x&state=${state}`);
    expect(answer.status).to.equal(400);
    expect(toEvil).to.deep.equal([]);
  });

  it('nor by POST', async () => {
    const { state, cookie } = await begin('gitlab-evil');
    const path = `/auth/callback/gitlab-evil?code=x&state=${state}`;
    const answer = await send(stage.port, path, { method: 'POST', headers: { cookie } });
    expect(answer.status).to.equal(404);
    expect(toEvil).to.deep.equal([]);
  });
});
