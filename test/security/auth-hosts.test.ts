import { expect } from 'chai';
import { createSigner } from '#shared/messages/signature.ts';
import { type AuthStage, buildAuthStage, vouched } from '../functions/of-auth/stage.ts';
import { send } from '../helpers/http-client.ts';

const system = [
  '/',
  '/auth/login',
  '/auth/login/github',
  '/auth/callback?code=x&state=y',
  '/auth/hand-over?request=x',
  '/auth/logout',
  '/auth/health',
  '/auth/jwks.json',
];
const owner = ['sign-in', 'session', 'sign-out'].map(
  (name) => `/.well-known/openfaas-cloud/${name}`,
);

describe('of-auth, by the host that was called', () => {
  let stage: AuthStage;
  before(async () => {
    stage = await buildAuthStage();
  });
  after(() => stage.close());
  const ask = async (host: string, path: string, method = 'GET') => {
    const headers = {
      ...vouched(stage, path, { host }),
      origin: 'https://system.example.com',
    };
    return (await send(stage.port, path, { method, headers })).status;
  };

  it('signs nobody in or out on a host of an owner, but to hand a session over', async () => {
    for (const host of ['alice.example.com', 'evil.test', 'system.example.com:8443', '']) {
      for (const path of system) expect(await ask(host, path), `${host} ${path}`).to.equal(404);
      expect(await ask(host, '/auth/logout', 'POST'), host).to.equal(404);
    }
    for (const path of owner) expect(await ask('alice.example.com', path)).to.not.equal(404);
  });

  it('takes no part of a hand-over for an owner’s host on its own', async () => {
    for (const path of owner) expect(await ask('system.example.com', path), path).to.equal(404);
    for (const path of system)
      expect(await ask('system.example.com', path), path).to.not.equal(404);
  });

  it('believes nobody but of-router about the host', async () => {
    const path = owner[0] ?? '';
    const headers = { host: 'alice.example.com', 'x-forwarded-host': 'alice.example.com' };
    expect((await send(stage.port, path, { headers })).status).to.equal(404);
    const elsewhere = vouched(stage, '/auth/login', { host: 'alice.example.com' });
    expect((await send(stage.port, path, { headers: elsewhere })).status).to.equal(404);
    // What of-router said is said of one request, so it is worth nothing two minutes later.
    const signer = createSigner({ current: 'stage-secret' }, () => Date.now() - 120_000);
    const old = vouched({ signer }, path, { host: 'alice.example.com' });
    expect((await send(stage.port, path, { headers: old })).status).to.equal(404);
  });
});
