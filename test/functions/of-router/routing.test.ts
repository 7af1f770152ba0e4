import { expect } from 'chai';
import { eventually } from '../../helpers/eventually.ts';
import { send } from '../../helpers/http-client.ts';
import { buildStage, type Stage, sendJson, toAlice, toSystem, valuesOf } from './stage.ts';

describe('of-router routing', () => {
  let stage: Stage;
  const functions: Record<string, string> = {};

  beforeEach(async () => {
    for (const name of Object.keys(functions)) delete functions[name];
    Object.assign(functions, { 'alice-hello': 'alice', 'alice--b-c': 'alice-b' });
    stage = await buildStage({ functions });
  });
  afterEach(() => stage.close());

  it('forwards path and query byte for byte', async () => {
    const answer = await send(stage.port, '/hello/a%2Fb/%C3%A9;x=1?q=%2e%2e/&r=//', toAlice);
    expect(answer).to.include({ status: 200, body: 'hello' });
    expect(stage.seen[0]?.url).to.equal('/alice-hello/a%2Fb/%C3%A9;x=1?q=%2e%2e/&r=//');
  });

  it('adds no slash to a bare function', async () => {
    await send(stage.port, '/hello', toAlice);
    await send(stage.port, '/hello/', toAlice);
    expect(stage.seen.map(({ url }) => url)).to.deep.equal(['/alice-hello', '/alice-hello/']);
  });

  it('keeps owners apart whose names and functions join to the same letters', async () => {
    const b = { headers: { 'x-forwarded-host': 'alice-b.example.com' } };
    expect((await send(stage.port, '/c', b)).status).to.equal(200);
    expect((await send(stage.port, '/b-c', toAlice)).status).to.equal(404);
    expect((await send(stage.port, '/-b-c', toAlice)).status).to.equal(404);
  });

  it('does not trust a label whose name does not fit, nor functions without labels', async () => {
    Object.assign(functions, { 'git-tar': 'alice', 'mallory-x': 'alice' });
    const mallory = { headers: { 'x-forwarded-host': 'mallory.example.com' } };
    const git = { headers: { 'x-forwarded-host': 'git.example.com' } };
    expect((await send(stage.port, '/x', mallory)).status).to.equal(404);
    expect((await send(stage.port, '/x', toAlice)).status).to.equal(404);
    expect((await send(stage.port, '/tar', git)).status).to.equal(404);
    expect((await send(stage.port, '/tar', toAlice)).status).to.equal(404);
    expect(stage.seen).to.have.length(0);
  });

  it('finds a function that was deployed a moment ago', async () => {
    expect((await send(stage.port, '/new', toAlice)).status).to.equal(404);
    functions['alice-new'] = 'alice';
    expect((await send(stage.port, '/new', toAlice)).status).to.equal(200);
  });

  it('asks the gateway seldom for a flood of misses', async () => {
    await send(stage.port, '/hello', toAlice);
    const before = stage.lists();
    const began = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => send(stage.port, `/miss-${i}`, toAlice)),
    );
    expect(answers.every(({ status }) => status === 404)).to.equal(true);
    // At most each tenth of a second, however long the machine takes for all of them.
    const most = Math.ceil((performance.now() - began) / 100) + 2;
    expect(stage.lists() - before).to.be.within(1, most);
  });

  it('answers the system routes by the table and nothing else', async () => {
    const call = (path: string, method = 'GET') => send(stage.port, path, { ...toSystem, method });
    const statuses = {
      '/': 200,
      '/auth/login?x': 200,
      '/pipeline-log?repo=x': 200,
      '/list-functions': 200,
      '/healthz': 200,
      '/auth': 404,
      '/github-push': 404,
      '/git-tar': 404,
      '/of-auth/q/': 404,
      '/q/': 404,
      '/pipeline-log/x': 404,
      '/system/functions': 404,
      '/github-event?setup_action=install': 200,
    };
    for (const [path, status] of Object.entries(statuses)) {
      expect((await call(path)).status, path).to.equal(status);
    }
    expect((await call('/github-event', 'POST')).status).to.equal(200);
    expect((await call('/list-functions', 'POST')).headers.allow).to.equal('GET, HEAD');
    expect(stage.seen.map(({ method, url }) => `${method} ${url}`)).to.deep.equal([
      'GET /of-auth/',
      'GET /of-auth/auth/login?x',
      'GET /pipeline-log/?repo=x',
      'GET /list-functions/',
      'GET /github-event/?setup_action=install',
      'POST /github-event/',
    ]);
  });

  it('serves the builder at a host of its own, by its own table', async () => {
    const call = (path: string, method = 'GET') =>
      send(stage.port, path, {
        headers: { 'x-forwarded-host': 'builder.system.example.com' },
        method,
      });
    expect((await call('/build', 'POST')).status).to.equal(200);
    expect((await call('/publickey')).status).to.equal(200);
    expect((await call('/healthz')).status).to.equal(200);
    expect((await call('/build')).headers.allow).to.equal('POST');
    for (const path of [
      '/',
      '/build/',
      '/publickey/x',
      '/auth/login',
      '/list-functions',
      '/of-builder',
    ]) {
      expect((await call(path)).status, path).to.equal(404);
    }
    expect((await send(stage.port, '/build', { ...toSystem, method: 'POST' })).status).to.equal(
      404,
    );
    expect(stage.seen.map(({ method, url }) => `${method} ${url}`)).to.deep.equal([
      'POST /of-builder/build',
      'GET /of-builder/publickey',
    ]);
  });

  it('serves a tenant function named healthz', async () => {
    functions['alice-healthz'] = 'alice';
    expect((await send(stage.port, '/healthz', toAlice)).body).to.equal('hello');
  });

  it('refuses methods that no provider passes on', async () => {
    expect((await send(stage.port, '/hello', { ...toAlice, method: 'TRACE' })).status).to.equal(
      405,
    );
    expect((await send(stage.port, '/hello', { ...toAlice, method: 'PROPFIND' })).status).to.equal(
      405,
    );
    expect(stage.seen).to.have.length(0);
  });

  it('shows a page to browsers and JSON to everyone else, without internals', async () => {
    const json = await send(stage.port, '/none', toAlice);
    expect(JSON.parse(json.body).error).to.include({ status: 404 });
    const accept = { ...toAlice.headers, accept: 'text/html,*/*' };
    const page = await send(stage.port, '/<none>', { headers: accept });
    expect(page.headers['content-type']).to.contain('text/html');
    expect(page.headers['content-security-policy']).to.contain("default-src 'none'");
    expect(page.body).to.not.contain('<none>');
  });

  it('writes one line per request, without the query', async () => {
    // The proxy before us is trusted with the last entry; what stands before it is anybody's claim.
    const headers = { ...toAlice.headers, 'x-forwarded-for': '10.0.0.1, 203.0.113.7' };
    await send(stage.port, '/hello?token=geheim', { headers });
    const line = await eventually(() => {
      expect(stage.lines).to.have.length(1);
      return stage.lines[0] ?? '';
    });
    expect(JSON.parse(line)).to.include({
      status: 200,
      owner: 'alice',
      target: 'alice-hello',
      method: 'GET',
      client: '203.0.113.7',
    });
    expect(line).to.not.contain('geheim');
  });

  it('logs the address of the connection where no proxy is trusted', async () => {
    const direct = await buildStage({ config: { trustedProxies: 0 } });
    const headers = { ...toAlice.headers, 'x-forwarded-for': '203.0.113.7' };
    await send(direct.port, '/hello', { headers });
    await eventually(() =>
      expect(JSON.parse(direct.lines[0] ?? '{}')).to.include({ client: '127.0.0.1' }),
    );
    await direct.close();
  });

  it('reads Host itself if it is told so', async () => {
    const direct = await buildStage({ config: { hostSource: 'host' } });
    const headers = { host: 'ALICE.example.com.:8080', 'x-forwarded-host': 'system.example.com' };
    expect((await send(direct.port, '/hello', { headers })).status).to.equal(200);
    expect(valuesOf(direct.seen[0]?.rawHeaders ?? [], 'x-forwarded-host')).to.deep.equal([
      'ALICE.example.com.:8080',
    ]);
    await direct.close();
  });

  it('keeps the last list while the gateway is out, and says 503 to what it does not know', async () => {
    let broken = false;
    const shaky = await buildStage({
      config: { indexRefreshMs: 0 },
      list: (response) =>
        broken
          ? response.writeHead(500).end()
          : sendJson(response, [
              {
                name: 'alice-hello',
                labels: {
                  'com.openfaas.cloud.git-cloud': '1',
                  'com.openfaas.cloud.git-owner': 'Alice',
                },
              },
            ]),
    });
    expect((await send(shaky.port, '/hello', toAlice)).status).to.equal(200);
    broken = true;
    for (let i = 0; i < 5; i++) {
      expect((await send(shaky.port, '/hello', toAlice)).status).to.equal(200);
    }
    expect((await send(shaky.port, '/other', toAlice)).status).to.equal(503);
    await shaky.close();
  });
});
