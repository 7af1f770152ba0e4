import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { send } from '../../helpers/http-client.ts';
import {
  type AuthStage,
  buildAuthStage,
  cookiesOf,
  customersOf,
  reply,
  signIn,
  startLogin,
} from './stage.ts';

const session = '__Host-openfaas_cloud_token';
/** The cookie of one login. */
const nameOf = (state: string) => `__Host-ofc_login_${state.slice(0, 8)}`;

describe('of-auth login', () => {
  let stage: AuthStage;
  beforeEach(async () => {
    stage = await buildAuthStage();
  });
  afterEach(() => stage.close());

  it('sends the visitor to the provider with state and PKCE', async () => {
    const { answer, authorize, state } = await startLogin(stage);
    expect(answer.status).to.equal(302);
    expect(answer.headers['cache-control']).to.equal('no-store');
    expect(authorize.pathname).to.equal('/login/oauth/authorize');
    expect(Object.fromEntries(authorize.searchParams)).to.include({
      response_type: 'code',
      client_id: 'client',
      redirect_uri: 'https://system.example.com/auth/callback',
      code_challenge_method: 'S256',
    });
    expect(state).to.match(/^[\w-]{43}$/);
    expect(answer.headers['set-cookie']?.[0]).to.match(
      /^__Host-ofc_login_[\w-]{8}=[^;]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
    );
  });

  it('signs in: trades the code with the verifier, sets the session, drops the token', async () => {
    const { cookie, state, authorize } = await startLogin(stage, '?r=/list-functions%3Fuser%3Da');
    const path = `/auth/callback?code=good&state=${state}`;
    const answer = await send(stage.port, path, { headers: { cookie } });
    expect(answer.status).to.equal(302);
    expect(answer.headers.location).to.equal('https://system.example.com/list-functions?user=a');
    const form = new URLSearchParams(stage.calls[0]?.body);
    expect(Object.fromEntries(form)).to.include({
      code: 'good',
      client_id: 'client',
      client_secret: 'client-secret',
      redirect_uri: 'https://system.example.com/auth/callback',
    });
    expect(stage.calls[0]?.url).to.equal('/login/oauth/access_token');
    const verifier = form.get('code_verifier') ?? '';
    expect(createHash('sha256').update(verifier).digest('base64url')).to.equal(
      authorize.searchParams.get('code_challenge'),
    );
    expect(stage.calls[1]?.headers.authorization).to.equal('Bearer provider-token');
    const cookies = cookiesOf(answer);
    expect(cookies[nameOf(state)]).to.equal('');
    const [, claims = ''] = (cookies[session] ?? '').split('.');
    const read = JSON.parse(Buffer.from(claims, 'base64url').toString());
    expect(read).to.include({ sub: 'github:7', login: 'Alice', iss: 'openfaas-cloud' });
    expect(read.groups).to.deep.equal([
      ['Acme', '70', 0],
      ['system', '71', 0],
    ]);
    expect(JSON.stringify(read)).to.not.contain('provider-token');
    const home = await send(stage.port, '/', {
      headers: { cookie: `${session}=${cookies[session]}` },
    });
    expect(home.body)
      .to.contain('signed in as <strong>Alice</strong>')
      .and.to.match(/href="\/publickey\?owner=alice">key to seal/i);
  });

  it('reads all pages of organisations, and goes on without the permission to', async () => {
    const names = (page: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({ login: `o${page}${i}` }));
    stage.provider['/api/user/orgs'] = (response, url) =>
      reply(url.endsWith('page=1') ? names(1, 100) : names(2, 3))(response);
    const [, claims = ''] = (cookiesOf(await signIn(stage))[session] ?? '').split('.');
    const { groups } = JSON.parse(Buffer.from(claims, 'base64url').toString());
    expect(groups).to.have.length(103);
    stage.provider['/api/user/orgs'] = reply({ message: 'Forbidden' }, 403);
    expect((await signIn(stage)).status).to.equal(302);
  });

  it('counts no membership that was only offered', async () => {
    const membership = { organization: { id: 70, login: 'Acme' }, role: 'admin' };
    stage.provider['/api/user/memberships/orgs'] = (response, url) =>
      reply(url.includes('state=active') ? [] : [membership])(response);
    const [, claims = ''] = (cookiesOf(await signIn(stage))[session] ?? '').split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString()).groups).to.deep.equal([]);
  });

  it('finishes each login once, in the browser that began it', async () => {
    const first = await startLogin(stage);
    const second = await startLogin(stage);
    const call = (state: string, cookie?: string) =>
      send(stage.port, `/auth/callback?code=good&state=${state}`, {
        headers: cookie === undefined ? {} : { cookie },
      });
    const refused: [string, string | undefined][] = [
      [first.state, undefined],
      [first.state, second.cookie],
      [first.state, `${nameOf(first.state)}=x.y.z`],
      [first.state, second.cookie.replace(nameOf(second.state), nameOf(first.state))],
      [first.state, `${first.cookie}; ${first.cookie}`],
      ['', first.cookie],
      ['forged', first.cookie],
      [`${first.state}&state=${second.state}`, first.cookie],
    ];
    for (const [state, cookie] of refused) {
      const answer = await call(state, cookie);
      expect(answer.status, `${state} ${cookie}`).to.equal(400);
      expect(answer.headers['set-cookie']).to.equal(undefined);
      expect(answer.body).to.contain('Try again');
    }
    expect(stage.calls).to.have.length(0);
    expect((await call(first.state, first.cookie)).status).to.equal(302);
    expect((await call(first.state, first.cookie)).status).to.equal(400);
  });

  it('does not take a session token for a login, nor the other way round', async () => {
    const token = cookiesOf(await signIn(stage))[session];
    const { state, cookie } = await startLogin(stage);
    const asLogin = { cookie: `${nameOf(state)}=${token}` };
    const path = `/auth/callback?code=good&state=${state}`;
    expect((await send(stage.port, path, { headers: asLogin })).status).to.equal(400);
    const asSession = { cookie: cookie.replace(nameOf(state), session) };
    expect((await send(stage.port, '/', { headers: asSession })).body).to.contain('not signed in');
  });

  const failures: Record<string, [provider: AuthStage['provider'], status: number, text: string]> =
    {
      'a code that expired': [
        { '/login/oauth/access_token': reply({ error: 'bad_verification_code' }) },
        401,
        'did not accept the code',
      ],
      'a code that is refused by the book': [
        { '/login/oauth/access_token': reply({ error: 'invalid_grant' }, 400) },
        401,
        'did not accept the code',
      ],
      'a token endpoint that is out': [
        { '/login/oauth/access_token': (response) => response.writeHead(503).end('<html>') },
        502,
        'no proper answer',
      ],
      'a provider that hangs up': [
        { '/login/oauth/access_token': (response) => response.destroy() },
        502,
        'did not answer',
      ],
      'a token endpoint that redirects': [
        {
          '/login/oauth/access_token': (response) =>
            response.writeHead(302, { location: '/api/user' }).end(),
        },
        502,
        'no proper answer',
      ],
      'a user without an id': [{ '/api/user': reply({ login: 'alice' }) }, 502, 'no proper answer'],
      'an endless user': [
        {
          '/api/user': (response) => {
            response.end(`{"x":"${'x'.repeat(2 * 1024 * 1024)}"}`);
          },
        },
        502,
        'did not answer',
      ],
      'organisations that cannot be read': [
        { '/api/user/orgs': reply({}, 500) },
        502,
        'no proper answer',
      ],
    };
  for (const [what, [answers, status, text]] of Object.entries(failures)) {
    it(`explains ${what} and offers another try`, async () => {
      Object.assign(stage.provider, answers);
      const { cookie, state } = await startLogin(stage, '?r=/pipeline-log');
      const path = `/auth/callback?code=good&state=${state}`;
      const answer = await send(stage.port, path, { headers: { cookie } });
      expect(answer.status).to.equal(status);
      expect(answer.body).to.contain(text).and.contain('/auth/login?r=%2Fpipeline-log');
      expect(cookiesOf(answer)).to.deep.equal({ [nameOf(state)]: '' });
      expect(stage.lines.join() + answer.body).to.not.match(/client-secret|provider-token|good/);
    });
  }

  it('explains a cancelled login, and escapes what the provider says', async () => {
    const finish = async (error: string) => {
      const { cookie, state } = await startLogin(stage);
      const path = `/auth/callback?error=${error}&state=${state}`;
      return send(stage.port, path, { headers: { cookie } });
    };
    expect((await finish('access_denied')).body).to.contain('was cancelled');
    const odd = await finish('%3Cscript%3E');
    expect(odd.body).to.contain('&lt;script&gt;').and.not.contain('<script>');
    expect(stage.calls).to.have.length(0);
  });

  it('goes home after the login if the visitor was to be led elsewhere', async () => {
    const answer = await signIn(stage, '?r=https%3A%2F%2Fevil.org%2F');
    expect(answer.headers.location).to.equal('https://system.example.com/');
  });
});

describe('of-auth login of customers', () => {
  it('takes a customer by name, organisation or id, and nobody else', async () => {
    for (const [entry, status] of [
      ['alice', 302],
      ['acme', 302],
      ['org:acme', 302],
      ['github:alice', 302],
      ['id:github:7', 302],
      ['id:github:70', 302],
      ['bob', 403],
      ['gitlab:alice', 403],
      ['group:acme', 403],
      ['org:alice', 403],
      ['id:gitlab:7', 403],
    ] as const) {
      const stage = await buildAuthStage({ customers: customersOf(entry).check });
      const answer = await signIn(stage);
      expect(answer.status, entry).to.equal(status);
      expect(Object.hasOwn(cookiesOf(answer), session)).to.equal(status === 302);
      await stage.close();
    }
  });

  it('knows a customer by id under any name, and by name whoever has it', async () => {
    for (const [entry, user, status] of [
      ['id:github:7', { id: 7, login: 'renamed' }, 302],
      ['id:github:7', { id: 8, login: 'Alice' }, 403],
      ['github:alice', { id: 7, login: 'renamed' }, 403],
      ['github:alice', { id: 8, login: 'ALICE' }, 302],
    ] as const) {
      const stage = await buildAuthStage({ customers: customersOf(entry).check });
      stage.provider['/api/user'] = reply(user);
      expect((await signIn(stage)).status, `${entry} ${user.login}`).to.equal(status);
      await stage.close();
    }
  });

  it('signs nobody in while the list cannot be read', async () => {
    const { list, check } = customersOf('alice');
    list.now = undefined;
    const stage = await buildAuthStage({ customers: check });
    const answer = await signIn(stage);
    expect(answer.status).to.equal(500);
    expect(cookiesOf(answer)).to.not.have.property(session);
    expect(stage.lines).to.have.length(1);
    await stage.close();
  });
});
