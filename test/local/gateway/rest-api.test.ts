import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../../helpers/eventually.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { send, sendRaw } from '../../helpers/http-client.ts';
import { startTestGateway, type TestGateway } from '../../helpers/test-gateway.ts';
import type { TestImage } from '../../helpers/test-provider.ts';

const images: Record<string, TestImage> = {
  ok: { handle: (_request, response) => void response.end('ok') },
  other: { handle: (_request, response) => void response.end('other') },
};

describe('gateway: REST API', () => {
  let gateway: TestGateway;
  beforeEach(async () => {
    gateway = await startTestGateway(images);
  });
  afterEach(() => gateway.close());

  const list = async () => JSON.parse((await gateway.api('GET', '/system/functions')).body);

  describe('a function of the platform itself', () => {
    const wanted = { service: 'f', image: 'ok', envVars: { a: '1' }, labels: {}, annotations: {} };

    it('is deployed without being started, and not again if it is there', async () => {
      await gateway.gateway.ensure(wanted);
      const [before] = await list();
      await gateway.gateway.ensure(wanted);
      expect(await list()).to.deep.equal([before]);
      expect(gateway.provider.starts('f')).to.equal(0);
      expect((await send(gateway.port, '/function/f')).body).to.equal('ok');
    });

    it('is deployed again if it differs, whoever changed it', async () => {
      await gateway.gateway.ensure(wanted);
      await gateway.deploy('f', 'other');
      await gateway.gateway.ensure(wanted);
      expect((await list())[0]).to.deep.include({ image: 'ok', envVars: { a: '1' } });
      expect((await send(gateway.port, '/function/f')).body).to.equal('ok');
    });

    it('is deployed again if the provider could not bring it back', async () => {
      await gateway.gateway.ensure(wanted);
      await gateway.provider.remove('f');
      await gateway.gateway.ensure(wanted);
      expect((await send(gateway.port, '/function/f')).body).to.equal('ok');
    });

    it('is refused as any other', async () => {
      const ensured = gateway.gateway.ensure({ ...wanted, secrets: ['none'] });
      await expectCode(ensured, 'OFC_BAD_REQUEST');
    });
  });

  describe('a deployment', () => {
    const refused: [why: string, body: unknown][] = [
      ['no service', { image: 'ok' }],
      ['a name that is no DNS label', { service: 'Bad_Name', image: 'ok' }],
      ['a name of 64 characters', { service: 'a'.repeat(64), image: 'ok' }],
      ['a name that is a path', { service: '../x', image: 'ok' }],
      ['a number for a name', { service: 7, image: 'ok' }],
      ['no image', { service: 'f' }],
      ['an image that is an option', { service: 'f', image: '--privileged' }],
      ['an image nobody has', { service: 'f', image: 'nowhere' }],
      ['another namespace', { service: 'f', image: 'ok', namespace: 'kube-system' }],
      ['a secret nobody made', { service: 'f', image: 'ok', secrets: ['s'] }],
      ['a variable that is no text', { service: 'f', image: 'ok', envVars: { A: 1 } }],
      ['a variable with = in its name', { service: 'f', image: 'ok', envVars: { 'A=B': 'c' } }],
      ['a variable with NUL', { service: 'f', image: 'ok', envVars: { A: 'b\0c' } }],
      ['a label over 63 characters', { service: 'f', image: 'ok', labels: { a: 'x'.repeat(64) } }],
      ['a label with a slash', { service: 'f', image: 'ok', labels: { a: 'x/y' } }],
      ['a limit that is no quantity', { service: 'f', image: 'ok', limits: { memory: 'lots' } }],
      [
        'an unreadable schedule',
        { service: 'f', image: 'ok', annotations: { topic: 'cron-function', schedule: 'often' } },
      ],
      ['a list', []],
    ];
    for (const [why, body] of refused) {
      it(`is refused with ${why}`, async () => {
        const answer = await gateway.api('POST', '/system/functions', body);
        expect(answer.status).to.equal(400);
        expect(answer.body).to.match(/^\S.{10}/);
        expect(await list()).to.deep.equal([]);
      });
    }

    it('is refused if it is no JSON, or too large', async () => {
      expect(
        (await send(gateway.port, '/system/functions', { method: 'POST', body: '{' })).status,
      ).to.equal(400);
      const body = 'x'.repeat(1024 * 1024 + 1);
      expect(
        (await send(gateway.port, '/system/functions', { method: 'POST', body })).status,
      ).to.equal(413);
    });

    it('takes null for what is absent, and ignores what OpenFaaS no longer uses', async () => {
      await gateway.deploy('f', 'ok', {
        labels: null,
        annotations: null,
        envVars: null,
        secrets: null,
        limits: { memory: '1Gi', 'nvidia.com/gpu': '1' },
        network: 'n',
        registryAuth: 'r',
      });
      expect((await list())[0]).to.deep.include({
        name: 'f',
        labels: {},
        limits: { memory: '1Gi' },
      });
    });

    it('rolls over, and keeps what it was if the new one fails', async () => {
      await gateway.deploy('f', 'ok');
      const [{ createdAt }] = await list();
      const failed = await gateway.api('PUT', '/system/functions', {
        service: 'f',
        image: 'nowhere',
      });
      expect(failed.status).to.equal(400);
      expect((await send(gateway.port, '/function/f')).body).to.equal('ok');
      await gateway.api('PUT', '/system/functions', { service: 'f', image: 'other' });
      expect((await send(gateway.port, '/function/f')).body).to.equal('other');
      expect((await list())[0]).to.include({ image: 'other', createdAt });
    });

    it('of one function runs after the other, in order', async () => {
      const answers = await Promise.all([
        gateway.api('POST', '/system/functions', { service: 'f', image: 'ok' }),
        gateway.api('POST', '/system/functions', { service: 'f', image: 'other' }),
      ]);
      expect(answers.map(({ status }) => status)).to.deep.equal([202, 202]);
      expect(await list()).to.have.length(1);
      const saved = JSON.parse(await readFile(join(gateway.folder, 'functions/f.json'), 'utf8'));
      expect(saved.image).to.equal((await list())[0].image);
    });

    it('cannot take a name of a prototype', async () => {
      await gateway.deploy('constructor', 'ok');
      expect((await send(gateway.port, '/function/constructor')).body).to.equal('ok');
      expect((await send(gateway.port, '/system/function/__proto__')).status).to.equal(404);
    });
  });

  describe('a restart', () => {
    it('brings functions back without starting them', async () => {
      await gateway.deploy('f', 'ok', { envVars: { A: 'B' } });
      const before = await list();
      await gateway.close({ keepFolder: true });
      gateway = await startTestGateway(images, { folder: gateway.folder });
      expect(gateway.provider.starts('f')).to.equal(0);
      expect((await list())[0]).to.include({
        name: 'f',
        createdAt: before[0].createdAt,
        availableReplicas: 0,
      });
      expect((await send(gateway.port, '/function/f')).body).to.equal('ok');
      expect((await list())[0]).to.include({ availableReplicas: 1 });
    });

    it('lists a function whose image is gone, and can remove it', async () => {
      await gateway.deploy('f', 'ok');
      await gateway.close({ keepFolder: true });
      gateway = await startTestGateway({}, { folder: gateway.folder });
      expect((await list())[0]).to.include({ name: 'f', replicas: 0, availableReplicas: 0 });
      expect((await send(gateway.port, '/function/f')).status).to.equal(503);
      const removed = await gateway.api('DELETE', '/system/functions', { functionName: 'f' });
      expect(removed.status).to.equal(202);
      expect(await readdir(join(gateway.folder, 'functions'))).to.deep.equal([]);
    });

    it('survives a file that was damaged', async () => {
      await gateway.deploy('f', 'ok');
      await writeFile(join(gateway.folder, 'functions/g.json'), '{"service":"../g"}');
      await gateway.close({ keepFolder: true });
      gateway = await startTestGateway(images, { folder: gateway.folder });
      expect((await list()).map(({ name }: { name: string }) => name)).to.deep.equal(['f']);
    });
  });

  describe('access', () => {
    const open = ['/', '/healthz', '/function/f', '/async-function/f'];
    const closed = [
      '/ui/',
      '/system/info',
      '/system/functions',
      '/system/function/f',
      '/system/secrets',
      '/system/logs?name=f',
      '/system/namespaces',
      '/system/namespace/openfaas-fn',
      '/system/queue',
      '/system/dead-letters',
    ];
    const basic = (text: string) => ({
      authorization: `Basic ${Buffer.from(text).toString('base64')}`,
    });

    beforeEach(async () => {
      await gateway.close();
      gateway = await startTestGateway(images, { auth: { user: 'admin', password: 'p:w' } });
    });

    it('needs the credentials for the system routes and the start page, and for nothing else', async () => {
      for (const path of closed) {
        for (const headers of [
          {},
          basic('admin:wrong'),
          basic('admin:p:w '),
          basic('root:p:w'),
          basic('admin'),
          { authorization: 'Bearer ' },
          { authorization: 'Basic' },
        ]) {
          const answer = await send(gateway.port, path, { headers });
          expect(answer.status, path).to.equal(401);
          expect(answer.headers['www-authenticate']).to.equal('Basic realm="Restricted"');
          expect(answer.body).to.equal('invalid credentials');
        }
        const answer = await send(gateway.port, path, { headers: basic('admin:p:w') });
        expect(answer.status, path).not.to.equal(401);
      }
      for (const path of open) {
        expect((await send(gateway.port, path)).status, path).not.to.equal(401);
      }
    });

    it('says 405 before 401', async () => {
      expect((await send(gateway.port, '/system/functions', { method: 'PATCH' })).status).to.equal(
        405,
      );
    });

    it('is for this machine, by a loopback name', async () => {
      const headers = basic('admin:p:w');
      for (const host of ['localhost', 'localhost:8080', '127.0.0.1:1', '127.8.0.1', '[::1]:80']) {
        const answer = await send(gateway.port, '/system/info', { headers: { ...headers, host } });
        expect(answer.status, host).to.equal(200);
      }
      for (const host of [
        'evil.example',
        'localhost.evil.example',
        '127.0.0.1.nip.io',
        '10.0.0.1',
        'a@localhost',
      ]) {
        const answer = await send(gateway.port, '/system/info', { headers: { ...headers, host } });
        expect(answer.status, host).to.equal(403);
      }
    });

    it('is not for pages of other origins', async () => {
      const headers = { ...basic('admin:p:w'), host: 'localhost:8080' };
      for (const more of [
        { origin: 'http://evil.example' },
        { origin: 'null' },
        { origin: 'http://localhost:9090' },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
      ]) {
        const body = { functionName: 'f' };
        const answer = await gateway.api('DELETE', '/system/functions', body, {
          ...headers,
          ...more,
        });
        expect(answer.status, JSON.stringify(more)).to.equal(403);
      }
      const own = { ...headers, origin: 'http://localhost:8080', 'sec-fetch-site': 'same-origin' };
      expect((await send(gateway.port, '/system/functions', { headers: own })).status).to.equal(
        200,
      );
    });
  });

  it('sends a client to the clean form of a path, with its query', async () => {
    for (const [path, location] of [
      ['//system/functions', '/system/functions'],
      ['/x/../system/functions?a=//b', '/system/functions?a=//b'],
      ['/system/./info', '/system/info'],
      ['/..//evil.example', '/evil.example'],
    ] as const) {
      const answer = await send(gateway.port, path);
      expect([answer.status, answer.headers.location], path).to.deep.equal([301, location]);
    }
  });

  it('does not route by encoded or absolute forms', async () => {
    for (const path of [
      '/system%2Ffunctions',
      '/%73ystem/functions',
      '/system/functions/',
      '/SYSTEM/functions',
      '/system/functions;x',
    ]) {
      expect((await send(gateway.port, path)).status, path).to.equal(404);
    }
    const text = await sendRaw(
      gateway.port,
      'GET http://h/system/functions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    );
    expect(text).to.match(/^HTTP\/1\.1 400 /);
  });

  it('shows the start page without scripts', async () => {
    const answer = await send(gateway.port, '/ui/');
    expect(answer.body).to.equal('<h1>start</h1>');
    expect(answer.headers['content-security-policy']).to.contain("default-src 'none'");
    expect((await send(gateway.port, '/ui')).status).to.equal(404);
    expect((await send(gateway.port, '/ui/', { method: 'HEAD' })).status).to.equal(405);
  });

  it('scales within the maximum of a function', async () => {
    await gateway.deploy('f', 'ok', { labels: { 'com.openfaas.scale.max': '3' } });
    const scale = (replicas: unknown) =>
      gateway.api('POST', '/system/scale-function/f', { replicas });
    expect((await scale(50)).status).to.equal(202);
    expect((await list())[0].replicas).to.equal(3);
    for (const wrong of [-1, 1.5, '2', null]) expect((await scale(wrong)).status).to.equal(400);
    expect(
      (await gateway.api('POST', '/system/scale-function/nope', { replicas: 1 })).status,
    ).to.equal(404);
  });

  it('scales by alerts', async () => {
    await gateway.deploy('f', 'ok', { labels: { 'com.openfaas.scale.factor': '50' } });
    const alert = (status: string) =>
      gateway.api('POST', '/system/alert', {
        alerts: [
          { status, labels: { function_name: 'f.openfaas-fn' } },
          { status, labels: { function_name: 'gone' } },
        ],
      });
    expect((await alert('firing')).status).to.equal(200);
    expect((await list())[0].replicas).to.equal(4);
    await alert('firing');
    expect((await list())[0].replicas).to.equal(5);
    await alert('resolved');
    expect((await list())[0].replicas).to.equal(1);
    expect((await gateway.api('POST', '/system/alert', {})).status).to.equal(400);
  });

  it('shows and handles what the queue gave up', async () => {
    const once = {
      annotations: { 'com.openfaas.retry.attempts': '1', 'com.openfaas.retry.codes': '404,418' },
    };
    await gateway.deploy('f', 'ok', once);
    await gateway.api('POST', '/async-function/nope', {});
    await gateway.close({ keepFolder: true });
    gateway = await startTestGateway(
      { ...images, ok: { handle: (_request, response) => void response.writeHead(418).end() } },
      { folder: gateway.folder },
    );
    await gateway.api('POST', '/async-function/f', {});
    await gateway.api('POST', '/async-function/f', {});
    const letters = await eventually(async () => {
      const found = JSON.parse((await gateway.api('GET', '/system/dead-letters')).body);
      expect(found).to.have.length(2);
      return found;
    });
    expect(letters[0]).to.include({ function: 'f', reason: 'status 418 after 1 attempts' });
    const of = (what: string, { id }: { id: string }) =>
      gateway.api('POST', `/system/dead-letters/${id}/${what}`);
    expect((await of('discard', letters[0])).status).to.equal(202);
    expect((await of('discard', letters[0])).status).to.equal(404);
    expect((await of('redrive', letters[1])).status).to.equal(202);
    await eventually(async () => {
      const stats = JSON.parse((await gateway.api('GET', '/system/queue')).body);
      expect(stats).to.deep.equal({ depth: 0, running: 0, dead: 1, oldestMs: null });
    });
  });

  it('keeps secrets to itself', async () => {
    await gateway.api('POST', '/system/secrets', { name: 's', value: 'hunter2' });
    const answer = await gateway.api('GET', '/system/secrets');
    expect(JSON.parse(answer.body)).to.deep.equal([{ name: 's', namespace: 'openfaas-fn' }]);
    for (const name of ['../x', 'a/b', '', 'A']) {
      expect(
        (await gateway.api('POST', '/system/secrets', { name, value: 'v' })).status,
        name,
      ).to.equal(400);
    }
    const wrong = await gateway.api('POST', '/system/secrets', { name: 't', rawValue: '***' });
    expect(wrong.status).to.equal(400);
  });
});
