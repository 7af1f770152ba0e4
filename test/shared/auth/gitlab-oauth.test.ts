import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect } from 'chai';
import { createGitlabOAuth } from '#shared/auth/gitlab-oauth.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';

interface Call {
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

const grant = { code: 'code', verifier: 'verifier', redirectUri: 'https://system.example.com/cb' };

describe('createGitlabOAuth', () => {
  let server: TestServer;
  let calls: Call[];
  let answers: Record<string, [status: number, body: unknown]>;
  beforeEach(async () => {
    calls = [];
    answers = {
      '/oauth/token': [200, { access_token: 'provider-token' }],
      '/oauth/userinfo': [200, { sub: '31', nickname: 'Alice' }],
    };
    server = await listen(async (request: IncomingMessage, response: ServerResponse) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { authorization } = request.headers;
      calls.push({ url: request.url ?? '', authorization, body });
      const [status, value] = answers[request.url ?? ''] ?? [404, {}];
      response.writeHead(status).end(typeof value === 'string' ? value : JSON.stringify(value));
    });
  });
  afterEach(() => server.close());

  const create = (name?: string) =>
    createGitlabOAuth({
      ...(name === undefined ? {} : { name }),
      baseUrl: server.url,
      clientId: 'client',
      clientSecret: 'client-secret',
    });

  it('asks for openid and nothing more, with PKCE', () => {
    const request = { redirectUri: 'https://x/cb', state: 's', challenge: 'c' };
    const url = new URL(create().authorizeUrl(request));
    expect(url.origin + url.pathname).to.equal(`${server.url}/oauth/authorize`);
    expect(Object.fromEntries(url.searchParams)).to.deep.equal({
      response_type: 'code',
      client_id: 'client',
      redirect_uri: 'https://x/cb',
      scope: 'openid',
      state: 's',
      code_challenge: 'c',
      code_challenge_method: 'S256',
    });
  });

  it('trades the code with the verifier, and asks who it is with the token', async () => {
    expect(await create().profile(grant)).to.deep.equal({
      provider: 'gitlab',
      id: '31',
      login: 'Alice',
      groups: [],
    });
    expect(calls.map(({ url }) => url)).to.deep.equal(['/oauth/token', '/oauth/userinfo']);
    expect(Object.fromEntries(new URLSearchParams(calls[0]?.body))).to.include({
      grant_type: 'authorization_code',
      code: 'code',
      code_verifier: 'verifier',
      redirect_uri: grant.redirectUri,
    });
    expect(calls[1]?.authorization).to.equal('Bearer provider-token');
  });

  it('people of another GitLab are other people', async () => {
    expect(await create('gitlab-work').profile(grant)).to.include({
      provider: 'gitlab-work',
      id: '31',
    });
    expect(create('gitlab-work').name).to.equal('gitlab-work');
  });

  it('who owns a group owns what lies below it, and nothing beside it', async () => {
    answers['/oauth/userinfo'] = [
      200,
      {
        sub: 31,
        nickname: 'alice',
        groups: ['acme', 'acme/web', 'acme/web/ui', 'acme-labs', 'big/part', 'big'],
        'https://gitlab.org/claims/groups/owner': ['acme/web', 'big/part'],
      },
    ];
    const { groups } = await create().profile(grant);
    expect(groups.filter(({ admin }) => admin).map(({ path }) => path)).to.deep.equal([
      'acme/web',
      'acme/web/ui',
      'big/part',
    ]);
    expect(groups).to.have.length(6);
  });

  it('does not take an odd answer for a person', async () => {
    for (const body of [
      {},
      { sub: '31' },
      { sub: 'x', nickname: 'alice' },
      { sub: '31:1', nickname: 'alice' },
      { sub: '', nickname: 'alice' },
      { sub: '31', nickname: ['alice'] },
      '<html>',
      '[]',
    ]) {
      answers['/oauth/userinfo'] = [200, body];
      await expectCode(create().profile(grant), 'OFC_UPSTREAM');
    }
    answers['/oauth/userinfo'] = [401, { sub: '31', nickname: 'alice' }];
    await expectCode(create().profile(grant), 'OFC_UPSTREAM');
  });

  it('tells a refused code from a wrong client and from a GitLab that is out', async () => {
    answers['/oauth/token'] = [400, { error: 'invalid_grant' }];
    await expectCode(create().profile(grant), 'OFC_UNAUTHENTICATED');
    answers['/oauth/token'] = [401, { error: 'invalid_client' }];
    const wrong = await expectCode(create().profile(grant), 'OFC_CONFIG');
    expect(wrong.text).to.not.contain('client-secret');
    answers['/oauth/token'] = [503, 'out'];
    await expectCode(create().profile(grant), 'OFC_UPSTREAM');
    expect(calls.every(({ url }) => url === '/oauth/token')).to.equal(true);
  });

  it('follows no redirect with a token', async () => {
    const elsewhere: string[] = [];
    const other = await listen((request, response) => {
      elsewhere.push(request.url ?? '');
      response.end('{}');
    });
    const moved = await listen((request, response) => {
      if (request.url === '/oauth/token') return void response.end('{"access_token":"t"}');
      response.writeHead(302, { location: `${other.url}/oauth/userinfo` }).end();
    });
    const client = { clientId: 'client', clientSecret: 'client-secret' };
    const provider = createGitlabOAuth({ baseUrl: moved.url, ...client });
    await expectCode(provider.profile(grant), 'OFC_UPSTREAM');
    expect(elsewhere).to.deep.equal([]);
    await moved.close();
    await other.close();
  });
});
