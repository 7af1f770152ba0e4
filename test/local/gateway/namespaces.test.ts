import { expect } from 'chai';
import { send } from '../../helpers/http-client.ts';
import { readSeen, startTestGateway, type TestGateway } from '../../helpers/test-gateway.ts';

describe('gateway: namespaces', () => {
  const images = {
    one: { handle: async (_: unknown, response: { end(text: string): void }) => response.end('1') },
    two: { handle: async (_: unknown, response: { end(text: string): void }) => response.end('2') },
  };
  let gateway: TestGateway;
  const labels = { openfaas: '1' };
  const create = (name: string, more: object = { labels }) =>
    gateway.api('POST', '/system/namespace/', { name, ...more });
  const list = async (path: string) => JSON.parse((await gateway.api('GET', path)).body);
  const names = async (path: string) =>
    (await list(path)).map(({ name }: { name: string }) => name);

  beforeEach(async () => {
    gateway = await startTestGateway(images);
    expect((await create('team')).status).to.equal(201);
  });
  afterEach(() => gateway.close());

  it('keep functions of one name apart', async () => {
    await gateway.deploy('f', 'one');
    await gateway.deploy('f', 'two', { namespace: 'team' });
    const call = async (path: string) => (await send(gateway.port, path)).body;
    expect(await call('/function/f')).to.equal('1');
    expect(await call('/function/f.openfaas-fn/x?y')).to.equal('1');
    expect(await call('/function/f.team')).to.equal('2');
    expect(await names('/system/functions')).to.deep.equal(['f']);
    const [listed] = await list('/system/functions?namespace=team');
    expect(listed).to.include({ name: 'f', namespace: 'team', image: 'two', invocationCount: 1 });
    expect(await list('/system/function/f?namespace=team')).to.include({ image: 'two' });
    expect(await list('/system/function/f')).to.include({ image: 'one' });

    const scale = '/system/scale-function/f';
    const zero = { replicas: 0, namespace: 'team' };
    expect((await gateway.api('POST', scale, zero)).status).to.equal(202);
    expect(await list('/system/function/f?namespace=team')).to.include({ replicas: 0 });
    expect(await list('/system/function/f')).to.include({ replicas: 1 });

    const gone = { functionName: 'f', namespace: 'team' };
    expect((await gateway.api('DELETE', '/system/functions', gone)).status).to.equal(202);
    expect((await send(gateway.port, '/function/f.team')).status).to.equal(404);
    expect(await call('/function/f')).to.equal('1');
  });

  it('keep secrets apart: none of another namespace counts', async () => {
    const secret = { name: 's', value: 'default' };
    expect((await gateway.api('POST', '/system/secrets', secret)).status).to.equal(202);
    const wants = { service: 'f', image: 'one', namespace: 'team', secrets: ['s'] };
    const refused = await gateway.api('POST', '/system/functions', wants);
    expect(refused.status).to.equal(400);
    expect(refused.body).to.contain('s');
    const own = { name: 's', namespace: 'team', value: 'team' };
    expect((await gateway.api('POST', '/system/secrets', own)).status).to.equal(202);
    expect((await gateway.api('POST', '/system/functions', wants)).status).to.equal(202);
    expect(String(await gateway.secrets.in('team').read('s'))).to.equal('team');
    expect(String(await gateway.secrets.read('s'))).to.equal('default');
    expect(await list('/system/secrets?namespace=team')).to.deep.equal([
      { name: 's', namespace: 'team' },
    ]);
    const gone = { name: 's', namespace: 'team' };
    expect((await gateway.api('DELETE', '/system/secrets', gone)).status).to.equal(202);
    expect(await list('/system/secrets?namespace=team')).to.deep.equal([]);
    expect(await names('/system/secrets')).to.deep.equal(['s']);
  });

  it('of which none is there are refused, in whatever request', async () => {
    for (const [method, path, body] of [
      ['GET', '/system/functions?namespace=none', undefined],
      ['GET', '/system/secrets?namespace=none', undefined],
      ['POST', '/system/functions', { service: 'f', image: 'one', namespace: 'none' }],
      ['POST', '/system/secrets', { name: 's', namespace: 'none', value: 'v' }],
      ['POST', '/system/secrets', { name: 's', namespace: '../..', value: 'v' }],
      ['DELETE', '/system/functions', { functionName: 'f', namespace: 'none' }],
    ] as const) {
      expect((await gateway.api(method, path, body)).status, `${method} ${path}`).to.equal(400);
    }
    expect((await send(gateway.port, '/function/f.none')).status).to.equal(404);
  });

  it('have names that can be one, and the label of OpenFaaS', async () => {
    for (const name of ['Team', 'a.b', '../x', '', 'x'.repeat(64), 'kube-system', 'openfaas']) {
      expect((await create(name)).status, name).to.equal(400);
    }
    expect((await create('plain', {})).status).to.equal(400);
    expect((await create('team')).status).to.equal(409);
    const other = { name: 'other', labels };
    expect((await gateway.api('PUT', '/system/namespace/team', other)).status).to.equal(400);
    expect((await gateway.api('PUT', '/system/namespace/other', other)).status).to.equal(404);
    expect(await list('/system/namespaces')).to.deep.equal(['openfaas-fn', 'team']);
  });

  it('are removed when nothing is in them, the default one never', async () => {
    const remove = async (name: string) =>
      (await gateway.api('DELETE', `/system/namespace/${name}`)).status;
    await gateway.deploy('f', 'one', { namespace: 'team' });
    expect(await remove('team')).to.equal(409);
    await gateway.api('DELETE', '/system/functions', { functionName: 'f', namespace: 'team' });
    const secret = { name: 's', namespace: 'team', value: 'v' };
    await gateway.api('POST', '/system/secrets', secret);
    expect(await remove('team')).to.equal(409);
    await gateway.api('DELETE', '/system/secrets', secret);
    expect(await remove('team')).to.equal(202);
    expect(await remove('openfaas-fn')).to.equal(400);
  });

  it('are there after a new start, with their functions, queued calls and logs', async () => {
    await gateway.deploy('f', 'two', { namespace: 'team' });
    await gateway.close({ keepFolder: true });
    const seen: string[] = [];
    const handle = async (request: Parameters<typeof readSeen>[0], response: { end(): void }) => {
      seen.push((await readSeen(request)).url);
      response.end();
    };
    gateway = await startTestGateway(
      { ...images, two: { handle: (request, response) => void handle(request, response) } },
      { folder: gateway.folder },
    );
    expect(await list('/system/namespaces')).to.deep.equal(['openfaas-fn', 'team']);
    expect(await names('/system/functions?namespace=team')).to.deep.equal(['f']);
    const queued = await send(gateway.port, '/async-function/f.team/job', { method: 'POST' });
    expect(queued.status).to.equal(202);
    await gateway.gateway.queue.close();
    expect(seen).to.deep.equal(['/job']);
    gateway.provider.print('f.team', 'hello');
    const logs = await gateway.api('GET', '/system/logs?name=f&namespace=team');
    expect(logs.body).to.contain('hello');
    expect((await gateway.api('GET', '/system/logs?name=f')).status).to.equal(404);
  });
});
