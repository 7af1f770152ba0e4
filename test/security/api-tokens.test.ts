import { expect } from 'chai';
import { buildStage, type Stage, valuesOf } from '../functions/of-router/stage.ts';
import { send, sendRaw } from '../helpers/http-client.ts';

const token = `ofc_github.7.${'x'.repeat(43)}`;

/** CWE-201: a token of the platform's that is sent to a function stays here. */
describe('an API token', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await buildStage({
      functions: { 'alice-hello': 'alice', 'alice-own': 'alice' },
      annotations: { 'alice-own': { 'com.openfaas.cloud.auth': 'owner' } },
    });
  });
  afterEach(() => stage.close());
  const shown = () =>
    valuesOf(stage.seen.at(-1)?.rawHeaders ?? [], 'authorization').filter((text) =>
      text.includes('ofc_'),
    );

  it('reaches no function, a tenant’s or the platform’s, however it is written', async () => {
    for (const [host, path] of [
      ['alice.example.com', '/hello'],
      ['alice.example.com', '/own'],
      ['system.example.com', '/list-functions'],
      ['system.example.com', '/dashboard/api/me'],
      ['system.example.com', '/auth/login'],
      ['system.example.com', '/publickey'],
    ]) {
      for (const field of [
        `Authorization: Bearer ${token}`,
        `authorization: bearer ${token}`,
        `AUTHORIZATION: BEARER    ${token}   `,
        `Authorization: Basic eA==\r\nAuthorization: Bearer ${token}`,
        `Authorization: Bearer ${token}\r\nAuthorization: Bearer ${token}`,
      ]) {
        const before = stage.seen.length;
        await sendRaw(
          stage.port,
          `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-Host: ${host}\r\n${field}\r\nConnection: close\r\n\r\n`,
        );
        expect(stage.seen.length - before, `${path} ${field}`).to.equal(1);
        expect(shown(), `${path} ${field}`).to.deep.equal([]);
      }
    }
  });

  it('is shown to of-auth for the system host only', async () => {
    const ask = async (host: string, path: string) => {
      const headers = { 'x-forwarded-host': host, authorization: `Bearer ${token}` };
      await send(stage.port, path, { headers });
      return stage.questions.at(-1)?.headers['x-cloud-token'];
    };
    expect(await ask('system.example.com', '/list-functions')).to.equal(token);
    for (const [host, path] of [
      ['alice.example.com', '/own'],
      ['alice.example.com', '/hello'],
      ['system.example.com', '/publickey'],
    ] as const) {
      expect(await ask(host, path), host + path).to.equal(undefined);
    }
  });

  it('takes the place of a session, and is not helped by one', async () => {
    const headers = {
      'x-forwarded-host': 'system.example.com',
      authorization: `Bearer ${token}`,
      cookie: '__Host-openfaas_cloud_token=s',
    };
    await send(stage.port, '/list-functions', { headers });
    expect(stage.questions.at(-1)?.headers).to.not.have.property('x-cloud-session');
  });

  it('of somebody else’s is the function’s own business', async () => {
    for (const authorization of ['Bearer own', 'Basic b2ZjXzE=', 'Bearer xofc_1', 'ofc_1']) {
      const headers = { 'x-forwarded-host': 'alice.example.com', authorization };
      await send(stage.port, '/hello', { headers });
      expect(valuesOf(stage.seen.at(-1)?.rawHeaders ?? [], 'authorization')).to.deep.equal([
        authorization,
      ]);
    }
  });
});
