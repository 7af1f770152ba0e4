import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { expect } from 'chai';
import { eventually } from '../helpers/eventually.ts';
import { begin, send, type TestAnswer } from '../helpers/http-client.ts';
import { listen } from '../helpers/listen.ts';
import {
  readSeen,
  type Seen,
  startTestGateway,
  type TestGateway,
} from '../helpers/test-gateway.ts';

/**
 * The HTTP requests behind faas-cli's commands, and the answers with which it works. Each test bears
 * the command whose requests it sends.
 */
describe('contract: faas-cli', () => {
  const password = 'right';
  const agent = { 'user-agent': 'faas-cli/0.18.12' };
  const logIn = (secret: string) => ({
    ...agent,
    authorization: `Basic ${Buffer.from(`admin:${secret}`).toString('base64')}`,
  });
  const seen: Seen[] = [];
  let gateway: TestGateway;

  /** A request of faas-cli after `faas-cli login`. */
  const cli = (method: string, path: string, body?: unknown): Promise<TestAnswer> =>
    gateway.api(method, path, body, logIn(password));
  const json = async (path: string) => JSON.parse((await cli('GET', path)).body);

  /** What `faas-cli deploy` sends: it always names labels and annotations and leaves out the rest. */
  const deployment = (service: string, more: Record<string, unknown> = {}) => ({
    service,
    image: 'echo',
    namespace: 'openfaas-fn',
    labels: {},
    annotations: {},
    ...more,
  });
  const full = deployment('f1', {
    envProcess: 'cat',
    envVars: { A: 'B' },
    constraints: ['c=d'],
    secrets: ['s'],
    labels: { l: '1' },
    annotations: { a: '2' },
    limits: { memory: '128Mi' },
    requests: { cpu: '10m' },
    readOnlyRootFilesystem: true,
  });

  before(async () => {
    gateway = await startTestGateway(
      {
        echo: {
          async handle(request, response) {
            seen.push(await readSeen(request));
            response.end(seen.at(-1)?.body);
          },
        },
      },
      { auth: { user: 'admin', password } },
    );
  });
  after(() => gateway.close());
  beforeEach(() => {
    seen.length = 0;
  });

  it('1: ready', async () => {
    expect((await gateway.api('GET', '/healthz', undefined, agent)).status).to.equal(200);
  });

  it('2: list, before login', async () => {
    const headers = { ...agent, authorization: 'Bearer ' };
    const answer = await gateway.api('GET', '/system/functions', undefined, headers);
    expect(answer.status).to.equal(401);
  });

  it('3: login, with a wrong and with the right password', async () => {
    const status = async (secret: string) =>
      (await gateway.api('GET', '/system/functions', undefined, logIn(secret))).status;
    expect(await status('bad')).to.equal(401);
    expect(await status(password)).to.equal(200);
  });

  it('4: version', async () => {
    const info = await json('/system/info');
    expect(info).to.deep.include({ version: { release: '1.2.3', sha: 'abc' } });
    expect(info.provider).to.deep.equal({
      provider: 'test',
      orchestration: 'test',
      version: { release: '1.2.3', sha: 'abc' },
    });
    expect(info.arch).to.be.a('string').with.length.above(1);
  });

  it('5: list, list -n NS, with no functions', async () => {
    for (const path of ['/system/functions', '/system/functions?namespace=openfaas-fn']) {
      const answer = await cli('GET', path);
      expect(answer.status).to.equal(200);
      expect(answer.headers['content-type']).to.match(/^application\/json/);
      expect(answer.body).to.equal('[]');
    }
  });

  it('9: deploy with an unknown secret', async () => {
    expect((await cli('PUT', '/system/functions', full)).status).to.equal(404);
    const answer = await cli('POST', '/system/functions', full);
    expect(answer.status).to.equal(400);
    expect(answer.body).to.contain('s');
  });

  it('10: deploy an invalid name', async () => {
    for (const method of ['PUT', 'POST']) {
      const answer = await cli(method, '/system/functions', deployment('Bad_Name'));
      expect(answer.status, method).to.equal(400);
      expect(answer.body).not.to.equal('');
    }
  });

  it('6: deploy with everything, then describe --json', async () => {
    await cli('POST', '/system/secrets', { name: 's', namespace: 'openfaas-fn', value: 'v' });
    expect((await cli('PUT', '/system/functions', full)).status).to.equal(404);
    expect((await cli('POST', '/system/functions', full)).status).to.equal(202);
    const { service, ...echoed } = full;
    const status = await json('/system/function/f1?namespace=openfaas-fn');
    expect(status).to.deep.include({ name: service, ...echoed });
  });

  it('7: deploy again', async () => {
    expect((await cli('PUT', '/system/functions', full)).status).to.be.oneOf([200, 202]);
    expect(await json('/system/functions')).to.have.length(1);
  });

  it('8: deploy --update=false --replace', async () => {
    const gone = { functionName: 'f1', namespace: 'openfaas-fn' };
    expect((await cli('DELETE', '/system/functions', gone)).status).to.be.within(200, 299);
    expect((await cli('POST', '/system/functions', full)).status).to.equal(202);
  });

  it('11: list -v', async () => {
    const [listed] = await json('/system/functions?namespace=openfaas-fn');
    expect(listed).to.include({ image: 'echo', replicas: 1 });
    expect(Date.parse(listed.createdAt)).to.be.closeTo(Date.now(), 60_000);
    expect(listed.createdAt).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
  });

  it('12: describe f1 -v, describe nope', async () => {
    const status = await json('/system/function/f1?namespace=openfaas-fn&usage=1');
    expect(status).to.include({ replicas: 1, availableReplicas: 1 });
    expect(status.usage).to.deep.equal({ cpu: 1, totalMemoryBytes: 1024 });
    expect((await cli('GET', '/system/function/nope')).status).to.equal(404);
  });

  it('13: ready f1, ready nope', async () => {
    expect((await json('/system/function/f1')).availableReplicas).to.be.above(0);
    expect((await cli('GET', '/system/function/nope')).status).to.equal(404);
  });

  it('14: invoke f1, with namespace, method, query and header', async () => {
    const path = '/function/f1.openfaas-fn?a=b';
    const answer = await send(gateway.port, path, {
      method: 'POST',
      headers: { ...agent, 'content-type': 'text/plain', 'x-a': 'b' },
      body: 'hi\n',
    });
    expect([answer.status, answer.body]).to.deep.equal([200, 'hi\n']);
    await send(gateway.port, path, { method: 'GET' });
    expect(seen.map(({ method, url }) => [method, url])).to.deep.equal([
      ['POST', '/?a=b'],
      ['GET', '/?a=b'],
    ]);
    expect(seen[0]?.headers).to.include({ 'x-a': 'b', 'user-agent': 'faas-cli/0.18.12' });
  });

  it('15: invoke nope', async () => {
    const answer = await send(gateway.port, '/function/nope.openfaas-fn', { method: 'POST' });
    expect(answer.status).to.equal(404);
    expect(answer.body).not.to.equal('');
  });

  it('16: invoke --sign', async () => {
    const body = 'payload \u00e9\r\n';
    const signature = `sha256=${createHmac('sha256', 'k').update(body).digest('hex')}`;
    await send(gateway.port, '/function/f1.openfaas-fn', {
      method: 'POST',
      headers: { 'x-hub-signature-256': signature },
      body,
    });
    expect(seen[0]?.headers['x-hub-signature-256']).to.equal(signature);
    expect(String(seen[0]?.body)).to.equal(body);
  });

  it('17: invoke --async with a callback', async () => {
    const callbacks: Seen[] = [];
    const receiver = await listen(async (request, response) => {
      callbacks.push(await readSeen(request));
      response.end();
    });
    try {
      const answer = await send(gateway.port, '/async-function/f1.openfaas-fn', {
        method: 'POST',
        headers: { 'x-callback-url': `${receiver.url}/cb` },
        body: 'hi',
      });
      expect([answer.status, answer.body]).to.deep.equal([202, '']);
      await eventually(() => expect(callbacks).to.have.length(1));
      expect(String(callbacks[0]?.body)).to.equal('hi');
    } finally {
      await receiver.close();
    }
  });

  it('18: logs, with --tail=false, --lines, --since, and live', async () => {
    for (const text of ['one\n', 'two\n', 'three\n']) gateway.provider.print('f1', text);
    const lines = async (query: string) =>
      (await cli('GET', `/system/logs?name=f1&namespace=openfaas-fn&${query}`)).body
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line).text);
    expect(await lines('follow=false&tail=-1')).to.deep.equal(['one\n', 'two\n', 'three\n']);
    expect(await lines('follow=false&tail=2')).to.deep.equal(['two\n', 'three\n']);
    const since = (ms: number) => encodeURIComponent(new Date(Date.now() + ms).toISOString());
    expect(await lines(`follow=false&tail=-1&since=${since(-300_000)}`)).to.have.length(3);
    expect(await lines(`follow=false&tail=-1&since=${since(60_000)}`)).to.have.length(0);

    const live = await begin(gateway.port, '/system/logs?name=f1&tail=1&follow=true', {
      headers: logIn(password),
    });
    const [first] = await once(live, 'data');
    expect(JSON.parse(first)).to.include({ name: 'f1', namespace: 'openfaas-fn', text: 'three\n' });
    gateway.provider.print('f1', 'four\n');
    const [second] = await once(live, 'data');
    expect(JSON.parse(second)).to.include({ text: 'four\n', instance: 'f1-1' });
    live.destroy();
  });

  it('19: secret create, again, again with --replace', async () => {
    const secret = { name: 'k', namespace: 'openfaas-fn', value: 'v', rawValue: 'djE=' };
    expect((await cli('POST', '/system/secrets', secret)).status).to.be.within(200, 202);
    expect((await cli('POST', '/system/secrets', secret)).status).to.equal(409);
    expect((await cli('PUT', '/system/secrets', secret)).status).to.be.oneOf([200, 202]);
  });

  it('20: secret create --from-file, binary', async () => {
    const bytes = Buffer.from([0, 1, 254, 255, 10]);
    const secret = { name: 'f', value: bytes.toString('utf8'), rawValue: bytes.toString('base64') };
    expect((await cli('POST', '/system/secrets', secret)).status).to.be.within(200, 202);
    expect(await gateway.secrets.read('f')).to.deep.equal(bytes);
  });

  it('21: secret list, update, remove, remove again', async () => {
    const namespace = 'openfaas-fn';
    expect(await json('/system/secrets?namespace=openfaas-fn')).to.deep.equal([
      { name: 'f', namespace },
      { name: 'k', namespace },
      { name: 's', namespace },
    ]);
    const status = async (method: string, name: string) =>
      (await cli(method, '/system/secrets', { name, namespace, value: 'w' })).status;
    expect(await status('PUT', 'k')).to.be.oneOf([200, 202]);
    expect(await status('PUT', 'nope')).to.equal(404);
    expect(await status('DELETE', 'k')).to.be.oneOf([200, 202]);
    expect(await status('DELETE', 'k')).to.equal(404);
  });

  it('22: secret apply, twice', async () => {
    // It lists, then creates what is absent and updates what is there.
    for (const value of ['1', '2']) {
      const present = await json('/system/secrets?namespace=openfaas-fn');
      const known = present.some(({ name }: { name: string }) => name === 'applied');
      const method = known ? 'PUT' : 'POST';
      expect((await cli(method, '/system/secrets', { name: 'applied', value })).status).to.equal(
        202,
      );
    }
    expect(String(await gateway.secrets.read('applied'))).to.equal('2');
  });

  it('23: namespace list, create, get, update, remove', async () => {
    const path = '/system/namespace/team';
    // What the command sends: it marks each namespace as OpenFaaS's.
    const team = (extra: Record<string, string> = {}) => ({
      name: 'team',
      labels: { openfaas: '1', ...extra },
      annotations: { openfaas: '1' },
    });
    expect(await json('/system/namespaces')).to.deep.equal(['openfaas-fn']);
    expect((await cli('POST', '/system/namespace/', team())).status).to.equal(201);
    expect((await cli('POST', '/system/namespace/', team())).status).to.equal(409);
    expect(await json('/system/namespaces')).to.deep.equal(['openfaas-fn', 'team']);
    expect(await json(path)).to.deep.equal(team());
    expect((await cli('PUT', path, team({ env: 'test' }))).status).to.equal(202);
    expect(await json(path)).to.deep.equal(team({ env: 'test' }));
    expect((await cli('DELETE', path, team())).status).to.equal(202);
    expect((await cli('GET', path)).status).to.equal(404);
    expect((await cli('DELETE', path, team())).status).to.equal(404);
    expect(await json('/system/namespaces')).to.deep.equal(['openfaas-fn']);
  });

  it('24: deploy -f, then diff', async () => {
    const plain = deployment('f2');
    await cli('PUT', '/system/functions', plain);
    await cli('POST', '/system/functions', plain);
    const status = await json('/system/function/f2');
    // Whatever is not in stack.yml and not empty would show up as a difference.
    expect(status).to.deep.include({
      labels: {},
      annotations: {},
      envVars: {},
      constraints: [],
      secrets: [],
      readOnlyRootFilesystem: false,
    });
    for (const absent of ['envProcess', 'limits', 'requests']) {
      expect(status).not.to.have.property(absent);
    }
  });

  it('25: remove, again', async () => {
    const gone = { functionName: 'f1', namespace: 'openfaas-fn' };
    expect((await cli('DELETE', '/system/functions', gone)).status).to.be.within(200, 202);
    expect((await cli('DELETE', '/system/functions', gone)).status).to.equal(404);
    expect((await cli('DELETE', '/system/functions', { functionName: '' })).status).to.equal(400);
  });
});
