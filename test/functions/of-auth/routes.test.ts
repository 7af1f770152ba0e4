import { expect } from 'chai';
import { send } from '../../helpers/http-client.ts';
import { type AuthStage, buildAuthStage, signIn } from './stage.ts';

describe('of-auth pages', () => {
  let stage: AuthStage;
  beforeEach(async () => {
    stage = await buildAuthStage({ notes: ['Runs <b>processes</b>', 'No isolation'] });
  });
  afterEach(() => stage.close());

  it('shows the start page to everyone, with notes as plain text', async () => {
    const home = await send(stage.port, '/');
    expect(home.status).to.equal(200);
    expect(home.body).to.contain('You are not signed in');
    expect(home.body).to.contain('<li>Runs &lt;b&gt;processes&lt;/b&gt;</li><li>No isolation</li>');
    expect(home.body).to.contain('https://&lt;owner&gt;.example.com/&lt;function&gt;');
    expect(home.body).to.not.contain('<script');
    expect(home.headers).to.include({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
    });
    expect(home.headers['content-security-policy']).to.match(
      /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
    );
  });

  it('signs out only if one of its own pages asks', async () => {
    const form = await send(stage.port, '/auth/logout');
    expect(form.body).to.contain('<form method="post" action="/auth/logout">');
    const post = (headers: Record<string, string>) =>
      send(stage.port, '/auth/logout', { method: 'POST', headers });
    for (const origin of ['null', 'https://alice.example.com', 'http://system.example.com', '']) {
      const refused = await post({ origin });
      expect(refused.status, origin).to.equal(403);
      expect(refused.headers['set-cookie']).to.equal(undefined);
    }
    expect((await post({})).status).to.equal(403);
    const done = await post({ origin: 'https://system.example.com' });
    expect(done.status).to.equal(303);
    expect(done.headers['set-cookie']?.[0]).to.match(/^__Host-openfaas_cloud_token=; .*Max-Age=0/);
  });

  it('reads no form that is longer than any of its own', async () => {
    const headers = { origin: 'https://system.example.com' };
    const post = (length: number) =>
      send(stage.port, '/auth/logout', { method: 'POST', headers, body: 'x'.repeat(length) });
    expect((await post(4096)).status).to.equal(303);
    expect((await post(4097)).status).to.equal(413);
  });

  it('publishes its keys', async () => {
    const { keys } = JSON.parse((await send(stage.port, '/auth/jwks.json')).body);
    expect(keys).to.have.length(1);
    expect(keys[0]).to.include({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
    expect(keys[0]).to.not.have.property('d');
  });

  it('answers HEAD without a body and nothing else at all', async () => {
    const head = await send(stage.port, '/', { method: 'HEAD' });
    expect(head).to.deep.include({ status: 200, body: '' });
    for (const path of ['/auth/', '/auth/login/', '/auth/x', '/q', '/constructor']) {
      expect((await send(stage.port, path)).status, path).to.equal(404);
    }
    expect((await send(stage.port, '/auth/login', { method: 'POST' })).status).to.equal(404);
  });

  it('uses cookies without the prefix on plain HTTP', async () => {
    const local = await buildAuthStage({ prettyUrl: 'http://user.localhost:8080/function' });
    const answer = await signIn(local);
    expect(answer.headers.location).to.equal('http://system.localhost:8080/');
    expect(answer.headers['set-cookie']?.[0]).to.match(
      /^openfaas_cloud_token=[^;]+; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/,
    );
    await local.close();
  });
});
