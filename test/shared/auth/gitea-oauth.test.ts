import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { createGiteaOAuth } from '#shared/auth/gitea-oauth.ts';
import { standingOf } from '#shared/auth/person.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';

const grant = { code: 'the-code', verifier: 'the-verifier', redirectUri: 'https://x/callback' };

describe('log-in at Gitea', () => {
  let gitea: TestServer;
  let user: object;
  let seen: { url: string; authorization: string | undefined; form: URLSearchParams }[];
  beforeEach(async () => {
    seen = [];
    user = {
      sub: '7',
      preferred_username: 'Jane',
      groups: ['Forge', 'Forge:owners', 'Lab', 'Lab:readers'],
    };
    gitea = await listen(async (request, response) => {
      const { url = '', headers } = request;
      const form = new URLSearchParams(await text(request));
      seen.push({ url, authorization: headers.authorization, form });
      const isToken = url === '/login/oauth/access_token';
      if (isToken && form.get('code') !== grant.code) {
        response.writeHead(400).end('{"error":"invalid_grant"}');
        return;
      }
      const token = { access_token: 'the-token', token_type: 'bearer', expires_in: 3600 };
      response.end(JSON.stringify(isToken ? token : user));
    });
  });
  afterEach(() => gitea.close());
  const oauth = () =>
    createGiteaOAuth({ baseUrl: gitea.url, clientId: 'id', clientSecret: 'shared' });

  it('asks for nothing but who it is, with PKCE', () => {
    const url = new URL(
      oauth().authorizeUrl({ redirectUri: grant.redirectUri, state: 's', challenge: 'c' }),
    );
    expect(url.pathname).to.equal('/login/oauth/authorize');
    expect(Object.fromEntries(url.searchParams)).to.include({
      response_type: 'code',
      scope: 'openid profile groups',
      state: 's',
      code_challenge: 'c',
      code_challenge_method: 'S256',
    });
  });

  it('gives the person with their organisations, and which of these are theirs', async () => {
    const person = await oauth().profile(grant);
    expect(person).to.deep.equal({
      provider: 'gitea',
      id: '7',
      login: 'Jane',
      groups: [
        { path: 'Forge', admin: true },
        { path: 'Lab', admin: false },
      ],
    });
    expect(seen.map(({ url }) => url)).to.deep.equal([
      '/login/oauth/access_token',
      '/login/oauth/userinfo',
    ]);
    expect(Object.fromEntries(seen[0]?.form ?? [])).to.include({
      grant_type: 'authorization_code',
      code_verifier: 'the-verifier',
    });
    expect(seen[1]?.authorization).to.equal('Bearer the-token');
    const owner = (name: string, id: string, scm = 'gitea') =>
      standingOf(person, { name, id, scm });
    expect([owner('jane', '7'), owner('forge', '9'), owner('lab', '10')]).to.deep.equal([
      ...['owner', 'owner', 'member'],
    ]);
    // Who has the name by now, and who has it elsewhere, is somebody else.
    expect([owner('jane', '8'), owner('jane', '7', 'github')]).to.deep.equal(['none', 'none']);
  });

  it('takes it that somebody is in no organisation, and believes no odd answer', async () => {
    user = { sub: 7, preferred_username: 'Jane' };
    expect((await oauth().profile(grant)).groups).to.deep.equal([]);
    for (user of [{}, { sub: 'x', preferred_username: 'Jane' }, { sub: '7' }]) {
      await expectCode(oauth().profile(grant), 'OFC_UPSTREAM');
    }
    await expectCode(oauth().profile({ ...grant, code: 'old' }), 'OFC_UNAUTHENTICATED');
  });
});
