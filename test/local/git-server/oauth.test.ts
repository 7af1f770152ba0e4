import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { getJson, startGitServer, type TestGitServer } from './harness.ts';

const callback = 'http://auth.system.localhost:8080/oauth2/authorized';
const verifier = 'v'.repeat(64);
const challenge = createHash('sha256').update(verifier).digest('base64url');

describe('git server: log-in', () => {
  let server: TestGitServer;
  before(async () => {
    server = await startGitServer();
    await server.pushed('alice', 'hello');
  });
  after(() => server.close());

  const authorize = (query: Record<string, string> = {}) =>
    fetch(
      `${server.url}/login/oauth/authorize?${new URLSearchParams({ client_id: 'local-client', redirect_uri: callback, state: 'st', ...query })}`,
    );
  const signIn = async (
    user: string,
    query: Record<string, string> = {},
    headers: Record<string, string> = {},
  ) => {
    const page = await (await authorize(query)).text();
    const form = /name="form" value="([^"]+)"/.exec(page)?.[1] ?? '';
    return post(form, user, headers);
  };
  const post = (form: string, user: string, headers: Record<string, string> = {}) =>
    fetch(`${server.url}/login/oauth/authorize`, {
      method: 'POST',
      body: new URLSearchParams({ form, user }),
      headers,
      redirect: 'manual',
    });
  const codeOf = (response: Response) =>
    new URL(response.headers.get('location') ?? '').searchParams.get('code') ?? '';
  const exchange = (fields: Record<string, string>) =>
    getJson<Record<string, string>>(`${server.url}/login/oauth/access_token`, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: new URLSearchParams({
        client_id: 'local-client',
        client_secret: 'local-client-secret',
        ...fields,
      }),
    });

  it('gives a code, a token and the profile', async () => {
    const page = await (await authorize()).text();
    expect(page).to.contain('Sign in as alice');
    const response = await signIn('alice', {
      code_challenge: challenge,
      code_challenge_method: 'S256',
      scope: 'read:user',
    });
    expect(response.status).to.equal(303);
    expect(response.headers.get('location')).to.match(
      /^http:\/\/auth\.system\.localhost:8080\/oauth2\/authorized\?code=[0-9a-f]{40}&state=st$/,
    );
    const answer = await exchange({
      code: codeOf(response),
      code_verifier: verifier,
      redirect_uri: callback,
    });
    expect(answer).to.include({ token_type: 'bearer', scope: 'read:user' });
    expect(answer['access_token']).to.match(/^gho_/);
    const me = (token: string) =>
      getJson<object>(`${server.api}/user`, { headers: { authorization: `token ${token}` } });
    const profile = await me(answer['access_token'] ?? '');
    expect(profile).to.include({ login: 'alice', name: 'alice', email: null, type: 'User' });
    expect(profile).to.have.property(
      'id',
      (await getJson<{ id: number }>(`${server.api}/users/alice`)).id,
    );
    await server.restart();
    expect(await me(answer['access_token'] ?? '')).to.deep.equal(profile);
    await fetch(`${server.api}/orgs/acme/memberships/alice`, { method: 'PUT' });
    const orgs = await getJson<{ login: string }[]>(`${server.api}/user/orgs`, {
      headers: { authorization: `Bearer ${answer['access_token']}` },
    });
    expect(orgs.map(({ login }) => login)).to.deep.equal(['acme']);
    expect((await fetch(`${server.api}/user`)).status).to.equal(401);
  });

  it('makes an account for a new name and refuses what is none', async () => {
    const { access_token: token } = await exchange({ code: codeOf(await signIn('Newcomer')) });
    expect(
      await getJson<object>(`${server.api}/user`, {
        headers: { authorization: `Bearer ${token}` },
      }),
    ).to.include({ login: 'Newcomer' });
    for (const name of ['', 'a b', '../x', 'system', '<b>'])
      expect((await signIn(name)).status, name).to.equal(422);
  });

  it('gives a form where JSON was not asked for, and takes JSON', async () => {
    const code = codeOf(await signIn('alice'));
    const response = await fetch(`${server.url}/login/oauth/access_token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        client_id: 'local-client',
        client_secret: 'local-client-secret',
        code,
      }),
    });
    expect(new URLSearchParams(await response.text()).get('access_token')).to.match(/^gho_/);
  });

  it('refuses wrong codes, secrets, verifiers and addresses as GitHub does', async () => {
    const fresh = async () =>
      codeOf(await signIn('alice', { code_challenge: challenge, code_challenge_method: 'S256' }));
    expect(await exchange({ code: 'guess' })).to.include({ error: 'bad_verification_code' });
    expect(await exchange({ code: await fresh() })).to.include({ error: 'bad_verification_code' });
    expect(await exchange({ code: await fresh(), code_verifier: 'w'.repeat(64) })).to.include({
      error: 'bad_verification_code',
    });
    const code = await fresh();
    expect(await exchange({ code, code_verifier: verifier, client_secret: 'guess' })).to.include({
      error: 'incorrect_client_credentials',
    });
    expect(await exchange({ code, code_verifier: verifier })).to.have.property('access_token');
    expect(await exchange({ code, code_verifier: verifier })).to.include({
      error: 'bad_verification_code',
    });
    expect(
      await exchange({
        code: await fresh(),
        code_verifier: verifier,
        redirect_uri: `${callback}/x`,
      }),
    ).to.include({ error: 'redirect_uri_mismatch' });
  });

  it('leads to the address of the application only', async () => {
    expect((await authorize({ redirect_uri: `${callback}/below?x=1` })).status).to.equal(200);
    const attacks = [
      'http://evil.example/oauth2/authorized',
      'http://auth.system.localhost:8080.evil.example/oauth2/authorized',
      `${callback}x`,
      'http://auth.system.localhost:8080/other',
      `${callback}/../../other`,
      `${callback}/%2e%2e/x`,
      `${callback}/..%2f..%2fx`,
      'http://auth.system.localhost:9090/oauth2/authorized',
      'https://auth.system.localhost:8080/oauth2/authorized',
      'http://a@auth.system.localhost:8080/oauth2/authorized',
      `${callback}#x`,
      'javascript:alert(1)',
      '//x',
      '',
    ];
    for (const attack of attacks)
      expect((await authorize({ redirect_uri: attack })).status, attack).to.equal(400);
    expect((await authorize({ client_id: 'other' })).status).to.equal(404);
    expect(
      (await authorize({ code_challenge: verifier, code_challenge_method: 'plain' })).status,
    ).to.equal(400);
  });

  it('cannot be driven by another site', async () => {
    expect((await post('guess', 'alice')).status).to.equal(400);
    expect((await signIn('alice', {}, { origin: 'http://evil.example' })).status).to.equal(403);
    expect((await signIn('alice', {}, { 'sec-fetch-site': 'cross-site' })).status).to.equal(403);
    expect((await signIn('alice', {}, { origin: 'null' })).status).to.equal(403);
    expect(
      (await signIn('alice', {}, { origin: server.base, 'sec-fetch-site': 'same-origin' })).status,
    ).to.equal(303);
    const page = await authorize();
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy)
      .to.contain("frame-ancestors 'none'")
      .and.to.contain("form-action 'self' http://auth.system.localhost:8080");
    const form = /name="form" value="([^"]+)"/.exec(await page.text())?.[1] ?? '';
    expect((await post(form, 'alice')).status).to.equal(303);
    expect((await post(form, 'alice')).status).to.equal(400);
  });
});
