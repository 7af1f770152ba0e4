import type { RequestListener } from 'node:http';
import { expect } from 'chai';
import { verifyIdentity } from '#shared/messages/identity.ts';
import { send } from '../../helpers/http-client.ts';
import { testIdentity } from '../../helpers/signed-request.ts';
import { buildStage, sendJson, toAlice, toSystem, valuesOf } from './stage.ts';

const identity = testIdentity();

describe('of-router decisions', () => {
  const broken: Record<string, RequestListener> = {
    'connection reset': (request) => request.socket.destroy(),
    'status 500': (_, response) => response.writeHead(500).end(),
    'status 400': (_, response) => response.writeHead(400).end(),
    'status 431': (_, response) => response.writeHead(431).end(),
    'status 302': (_, response) => response.writeHead(302, { location: '/' }).end(),
    'a yes with status 401': (_, response) =>
      sendJson(response, { allow: true, cacheSeconds: 1 }, 401),
    'an empty 200': (_, response) => response.end(),
    garbage: (_, response) => response.end('{"allow":tru'),
    'a yes that is no boolean': (_, response) =>
      sendJson(response, { allow: 'true', cacheSeconds: 1 }),
    'a yes without a lifetime': (_, response) => sendJson(response, { allow: true }),
    'a list': (_, response) => sendJson(response, [{ allow: true, cacheSeconds: 1 }]),
    'a no with status 200': (_, response) =>
      sendJson(response, { allow: false, status: 200, reason: '', cacheSeconds: 1 }),
    'an endless answer': (_, response) => {
      const more = () => {
        while (response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    },
    'a broken-off answer': (_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{"allow":true', () => response.destroy());
    },
  };

  for (const [what, auth] of Object.entries(broken)) {
    it(`lets nobody in on ${what}`, async () => {
      const stage = await buildStage({ auth });
      for (const options of [toAlice, toSystem]) {
        const path = options === toAlice ? '/hello' : '/list-functions';
        expect((await send(stage.port, path, options)).status).to.equal(503);
      }
      expect(stage.seen).to.have.length(0);
      await stage.close();
    });
  }

  it('gives up on an answer that does not come', async function () {
    this.timeout(15_000);
    const stage = await buildStage({ auth: () => undefined });
    expect((await send(stage.port, '/hello', toAlice)).status).to.equal(503);
    expect(stage.seen).to.have.length(0);
    await stage.close();
  });

  it('lets people in again as soon as there is an answer', async () => {
    let down = true;
    const stage = await buildStage({
      auth: (_, response) =>
        down ? response.writeHead(503).end() : sendJson(response, { allow: true, cacheSeconds: 5 }),
    });
    expect((await send(stage.port, '/hello', toAlice)).status).to.equal(503);
    down = false;
    expect((await send(stage.port, '/hello', toAlice)).status).to.equal(200);
    await stage.close();
  });

  it('signs its question', async () => {
    const stage = await buildStage();
    await send(stage.port, '/hello', toAlice);
    const [question] = stage.questions;
    expect(question?.url).to.equal(
      '/q/?host=alice.example.com&route=&function=alice-hello&action=read&owner=alice&owner_id=&scm=github',
    );
    const parts = { receiver: 'of-auth', method: 'GET', path: question?.url ?? '', body: '' };
    const header = question?.headers['x-cloud-signature'];
    stage.signer.verify(parts, typeof header === 'string' ? header : undefined, 5);
    await stage.close();
  });

  it('keeps a decision for as long as both sides allow, per session', async () => {
    const stage = await buildStage();
    const cookie = (token: string) => ({
      headers: { ...toSystem.headers, cookie: `__Host-openfaas_cloud_token=${token}` },
    });
    for (let i = 0; i < 3; i++) {
      await send(stage.port, '/hello', toAlice);
      await send(stage.port, '/list-functions', cookie('one'));
      await send(stage.port, '/list-functions', cookie('two'));
    }
    expect(stage.questions.map(({ headers }) => headers['x-cloud-session'])).to.deep.equal([
      undefined,
      'one',
      'two',
    ]);
    await stage.close();
  });

  for (const [what, cacheSeconds, authCacheMs] of [
    ['of-auth', 0, 5000],
    ['the operator', 60, 0],
  ] as const) {
    it(`keeps nothing if ${what} says so`, async () => {
      const stage = await buildStage({
        auth: (_, response) => sendJson(response, { allow: true, cacheSeconds }),
        config: { authCacheMs },
      });
      for (let i = 0; i < 3; i++) await send(stage.port, '/hello', toAlice);
      expect(stage.questions).to.have.length(3);
      await stage.close();
    });
  }

  it('never takes a session from a tenant host or from a doubled cookie', async () => {
    const stage = await buildStage();
    const name = '__Host-openfaas_cloud_token';
    await send(stage.port, '/hello', { headers: { ...toAlice.headers, cookie: `${name}=x` } });
    await send(stage.port, '/list-functions', {
      headers: { ...toSystem.headers, cookie: `${name}=x; ${name}=y` },
    });
    await send(stage.port, '/pipeline-log', {
      headers: { ...toSystem.headers, cookie: 'openfaas_cloud_token=x' },
    });
    expect(stage.questions.map(({ headers }) => headers['x-cloud-session'])).to.deep.equal([
      undefined,
      undefined,
      undefined,
    ]);
    await stage.close();
  });

  it('passes the refusal on, and sends browsers to the login', async () => {
    const stage = await buildStage({
      auth: (_, response) =>
        sendJson(response, {
          allow: false,
          status: 401,
          reason: 'sign-in',
          message: 'Sign in first.',
          signIn: '/auth/login',
          cacheSeconds: 1,
        }),
    });
    const api = await send(stage.port, '/list-functions', toSystem);
    expect(api.status).to.equal(401);
    expect(JSON.parse(api.body).error.message).to.equal('Sign in first.');
    const headers = { ...toSystem.headers, accept: 'text/html' };
    const browser = await send(stage.port, '/pipeline-log?a=b&c=d', { headers });
    expect(browser.status).to.equal(302);
    expect(browser.headers.location).to.equal(
      'https://system.example.com/auth/login?r=%2Fpipeline-log%3Fa%3Db%26c%3Dd',
    );
    await stage.close();
  });

  it('tells a platform function who calls, and only a platform function', async () => {
    const stage = await buildStage({
      auth: (_, response) => sendJson(response, { allow: true, cacheSeconds: 1, identity }),
    });
    const forged = { 'x-cloud-identity': 'forged', 'x-cloud-signature': 'forged' };
    await send(stage.port, '/list-functions?user=alice', {
      headers: { ...toSystem.headers, ...forged },
    });
    await send(stage.port, '/hello', { headers: { ...toAlice.headers, ...forged } });
    const [platform, tenant] = stage.seen;
    const given = (name: string) => valuesOf(platform?.rawHeaders ?? [], name);
    expect(given('x-cloud-identity')).to.have.length(1);
    const read = verifyIdentity(stage.signer, 'list-functions', '/?user=alice', {
      identity: given('x-cloud-identity')[0],
      signature: given('x-cloud-signature')[0],
    });
    expect(read).to.deep.equal(identity);
    expect(tenant?.rawHeaders.join().toLowerCase()).to.not.contain('x-cloud');
    await stage.close();
  });
});
