import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { createGatewayClient, type GatewayClient } from '#shared/gateway/gateway-client.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { readSeen, type Seen } from '../../helpers/test-gateway.ts';

const deployment = { service: 'alice-fn', image: 'x', labels: {}, annotations: {} };

describe('gateway client', () => {
  let server: TestServer;
  let client: GatewayClient;
  let seen: Seen[];
  let answer: (seen: Seen, response: ServerResponse) => void;

  before(async () => {
    server = await listen(async (request: IncomingMessage, response) => {
      const it = await readSeen(request);
      seen.push(it);
      answer(it, response);
    });
    const credentials = { user: 'admin', password: 'hunter2' };
    client = createGatewayClient({ url: server.url, credentials, timeoutMs: 2000 });
  });
  after(() => server.close());
  beforeEach(() => {
    seen = [];
  });

  const answerWith = (status: number, body: string | Buffer = '', headers = {}) => {
    answer = (_, response) => response.writeHead(status, headers).end(body);
  };

  const calls: Readonly<Record<string, (gateway: GatewayClient) => Promise<unknown>>> = {
    list: (gateway) => gateway.list(),
    get: (gateway) => gateway.get('alice-fn'),
    deploy: (gateway) => gateway.deploy(deployment),
    remove: (gateway) => gateway.remove('alice-fn'),
    invokeAsync: (gateway) => gateway.invokeAsync('git-tar', '{}'),
  };

  describe('deploy', () => {
    it('updates', async () => {
      answerWith(202);
      await client.deploy(deployment);
      expect(seen.map(({ method, url }) => `${method} ${url}`)).to.deep.equal([
        'PUT /system/functions',
      ]);
      expect(JSON.parse(String(seen[0]?.body))).to.deep.equal(deployment);
    });

    it('creates what the gateway does not know', async () => {
      answer = (it, response) => response.writeHead(it.method === 'PUT' ? 404 : 202).end();
      await client.deploy(deployment);
      expect(seen.map(({ method }) => method)).to.deep.equal(['PUT', 'POST']);
      expect(seen[1]?.body).to.deep.equal(seen[0]?.body);
    });

    it('that is refused is the user’s mistake, with what the gateway said', async () => {
      answerWith(400, 'label value is too long\n');
      const error = await expectCode(client.deploy(deployment), 'OFC_DEPLOY_FAILED');
      expect(error.text).to.include('label value is too long').and.include('alice-fn');
      answerWith(404, 'no');
      await expectCode(client.deploy(deployment), 'OFC_DEPLOY_FAILED');
    });

    it('quotes only the beginning of a long refusal', async () => {
      answerWith(400, 'x'.repeat(100_000));
      const error = await expectCode(client.deploy(deployment), 'OFC_DEPLOY_FAILED');
      expect(error.text.length).to.be.lessThan(700);
    });
  });

  describe('list and get', () => {
    it('take what Go leaves out, and null', async () => {
      answerWith(200, 'null');
      expect(await client.list()).to.deep.equal([]);
      answerWith(200, '[{"name":"a","labels":null},{"name":"b","replicas":2,"new":{}}]');
      const found = await client.list();
      expect(found.map(({ name, replicas, labels }) => [name, replicas, labels])).to.deep.equal([
        ['a', 0, null],
        ['b', 2, undefined],
      ]);
    });

    it('give undefined for a function that is not there', async () => {
      answerWith(404);
      expect(await client.get('alice-fn')).to.equal(undefined);
    });

    it('escape the name', async () => {
      answerWith(404);
      await client.get('../secrets?x');
      expect(seen[0]?.url).to.equal('/system/function/..%2Fsecrets%3Fx');
    });

    for (const [what, body] of [
      ['no JSON', '<html>'],
      ['another shape', '{"functions":[]}'],
      ['nothing', ''],
      ['a name that is no text', '[{"name":7}]'],
    ] as const) {
      it(`fail with ${what}`, async () => {
        answerWith(200, body);
        await expectCode(client.list(), 'OFC_UPSTREAM');
      });
    }
  });

  describe('remove', () => {
    it('names the function, and one that is gone is fine', async () => {
      for (const status of [202, 200, 404]) {
        answerWith(status);
        await client.remove('alice-fn');
      }
      expect(JSON.parse(String(seen[0]?.body))).to.deep.equal({ functionName: 'alice-fn' });
      expect(seen[0]?.method).to.equal('DELETE');
    });
  });

  describe('invokeAsync', () => {
    it('gives the queue the very bytes that were signed', async () => {
      answerWith(202);
      const bodies = [
        '{"a":1}',
        ' { "a" : 1 }\n',
        'no json',
        '"text"',
        '',
        Buffer.from([0, 255, 10]),
      ];
      for (const body of bodies)
        await client.invokeAsync('git-tar', body, { headers: { 'x-a': 'b' } });
      expect(seen.map(({ body }) => body)).to.deep.equal(bodies.map((body) => Buffer.from(body)));
      expect(seen[0]).to.deep.include({ method: 'POST', url: '/async-function/git-tar' });
      expect(seen[0]?.headers).to.include({ 'x-a': 'b', 'content-type': 'application/json' });
    });

    it('hands the query on', async () => {
      answerWith(202);
      await client.invokeAsync('git-tar', '{}', { query: 'a=b%20c' });
      expect(seen[0]?.url).to.equal('/async-function/git-tar?a=b%20c');
    });

    it('fails unless the gateway took it, so that the step is tried again', async () => {
      for (const status of [200, 204, 301, 400, 404, 413, 500]) {
        answerWith(status, '', { location: '/elsewhere' });
        await expectCode(client.invokeAsync('git-tar', '{}'), 'OFC_UPSTREAM');
      }
      expect(seen).to.have.lengthOf(7);
    });
  });

  describe('invoke', () => {
    it('gives whatever the function answers', async () => {
      answerWith(503, Buffer.from([0, 255]), { 'x-a': 'b' });
      const { status, headers, body } = await client.invoke('fn', {
        method: 'POST',
        path: '/x?y',
        body: ' text ',
      });
      expect([status, headers['x-a'], [...body]]).to.deep.equal([503, 'b', [0, 255]]);
      expect(seen[0]).to.include({ method: 'POST', url: '/function/fn/x?y' });
      expect(String(seen[0]?.body)).to.equal(' text ');
    });

    it('follows no redirect', async () => {
      answerWith(302, '', { location: `${server.url}/system/functions` });
      expect((await client.invoke('fn', { method: 'GET' })).status).to.equal(302);
      expect(seen).to.have.lengthOf(1);
    });

    it('ends when its own time is over', async () => {
      answer = () => undefined;
      await expectCode(client.invoke('fn', { method: 'GET', timeoutMs: 50 }), 'OFC_TIMEOUT');
    });
  });

  describe('credentials', () => {
    it('go to /system and never to a function', async () => {
      answer = (it, response) =>
        response.writeHead(it.url.startsWith('/async') ? 202 : 200).end('{"name":"a"}');
      await client.get('alice-fn');
      await client.invokeAsync('git-tar', '{}');
      await client.invoke('alice-fn', { method: 'GET', path: '/_/ready' });
      const sent = seen.map(({ headers }) => headers.authorization);
      const basic = `Basic ${Buffer.from('admin:hunter2').toString('base64')}`;
      expect(sent).to.deep.equal([basic, undefined, undefined]);
    });

    it('stand in no message', async () => {
      answerWith(401, 'who are you?');
      const error = await expectCode(client.list(), 'OFC_CONFIG');
      expect(error.text).to.include('basic-auth-password').and.not.include('hunter2');
    });

    it('are not sent where none are set', async () => {
      answerWith(200, '[]');
      await createGatewayClient({ url: server.url }).list();
      expect(seen[0]?.headers.authorization).to.equal(undefined);
    });
  });

  for (const [name, call] of Object.entries(calls)) {
    describe(`${name} fails`, () => {
      for (const [status, code] of [
        [401, 'OFC_CONFIG'],
        [403, 'OFC_CONFIG'],
        [429, 'OFC_BUSY'],
        [500, 'OFC_UPSTREAM'],
        [502, 'OFC_UPSTREAM'],
        [504, 'OFC_UPSTREAM'],
      ] as const) {
        it(`with ${code} on ${status}`, async () => {
          answerWith(status, 'why');
          await expectCode(call(client), code);
        });
      }

      it('where nobody listens', async () => {
        const gone = await listen(() => undefined);
        await gone.close();
        const error = await expectCode(
          call(createGatewayClient({ url: gone.url })),
          'OFC_UPSTREAM',
        );
        expect(error.text).to.include('ECONNREFUSED');
      });

      it('where the connection breaks off', async () => {
        answer = (_, response) => response.destroy();
        await expectCode(call(client), 'OFC_UPSTREAM');
      });

      it('where there is no answer in time', async () => {
        answer = () => undefined;
        await expectCode(
          call(createGatewayClient({ url: server.url, timeoutMs: 50 })),
          'OFC_TIMEOUT',
        );
      });
    });
  }

  it('does not take a huge answer in, also one that was small on the wire', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const chunk = Buffer.alloc(1024 * 1024, ' ');
      for (let count = 0; count < 20; count += 1) response.write(chunk);
      response.end('[]');
    };
    await expectCode(client.list(), 'OFC_UPSTREAM');
    answerWith(200, gzipSync(Buffer.alloc(64 * 1024 * 1024, ' ')), { 'content-encoding': 'gzip' });
    await expectCode(client.list(), 'OFC_UPSTREAM');
  });
});
