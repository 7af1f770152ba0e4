import type { IncomingHttpHeaders } from 'node:http';
import { expect } from 'chai';
import { Agent } from 'undici';
import { auditKey } from '#shared/audit-trail.ts';
import { createApiTokens } from '#shared/auth/api-tokens.ts';
import { createPeople } from '#shared/auth/people.ts';
import { createGatewayClient } from '#shared/gateway/gateway-client.ts';
import { createLogger } from '#shared/log.ts';
import {
  type Identity,
  identityHeader,
  signIdentity,
  verifyIdentity,
} from '#shared/messages/identity.ts';
import { signatureHeader } from '#shared/messages/signature.ts';
import { createAllowedAddresses } from '#shared/notifications/allowed-addresses.ts';
import { createDestinations } from '#shared/notifications/destinations.ts';
import { createNotices } from '#shared/notifications/notices.ts';
import { parseDeploymentId } from '#shared/pipeline/deployment.ts';
import type { AuditEvent } from '#shared/pipeline/messages.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import { createPublicUrls } from '#shared/public-urls.ts';
import { parseSite } from '#shared/router/site.ts';
import { createVault } from '#shared/vault.ts';
import { watchOf } from '../../../functions/dashboard/api/events-api.ts';
import type {
  NewDestinationAnswer,
  NotificationsAnswer,
} from '../../../functions/dashboard/api/notifications-api.ts';
import { apiRoutes } from '../../../functions/dashboard/api/routes.ts';
import type {
  AuditAnswer,
  DeploymentDetail,
  DeploymentPage,
  DeploymentRow,
  FindingsAnswer,
  FunctionList,
  FunctionOne,
  Me,
  NewToken,
  PlatformAnswer,
  SettingsAnswer,
  TokenList,
  TriedAnswer,
} from '../../../functions/dashboard/api/schemas.ts';
import { createDashboard } from '../../../functions/dashboard/dashboard.ts';
import { createDeploymentReader } from '../../../functions/dashboard/deployment-reader.ts';
import { type ApiDescription, createAnswerCheck } from '../../helpers/api-description.ts';
import { send } from '../../helpers/http-client.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import {
  createMemoryObjectStore,
  type MemoryObjectStore,
} from '../../helpers/memory-object-store.ts';
import { testFunction, testPush } from '../../helpers/pipeline-fixtures.ts';
import { createRecordingMessages } from '../../helpers/recording-messages.ts';
import { testIdentity, testSigner } from '../../helpers/signed-request.ts';

const prettyUrl = 'http://user.localhost:8080/function';
const labels = (name: string, scm = 'github') => ({
  'com.openfaas.cloud.git-cloud': '1',
  'com.openfaas.cloud.git-owner': name,
  'com.openfaas.cloud.git-scm': scm,
  'com.openfaas.cloud.git-repo': 'hello',
  'com.openfaas.cloud.git-branch': 'main',
  'com.openfaas.cloud.git-sha': 'a'.repeat(40),
  'com.openfaas.cloud.git-deploytime': '1700000000',
});
const listed = (name: string, more: object = {}) => ({
  name,
  image: 'alice/hello:1',
  replicas: 1,
  availableReplicas: 1,
  labels: labels('alice'),
  annotations: { 'com.openfaas.cloud.git-repo-url': 'https://github.com/Alice/hello' },
  environment: ['COLOUR'],
  secrets: [],
  limits: { memory: '128Mi' },
  ...more,
});
const series = { success: [1, 0, 3], failure: [0, 1, 0] };

describe('dashboard', () => {
  let gateway: TestServer;
  let server: TestServer;
  let store: MemoryObjectStore;
  let asked: string[] = [];
  let tried: { method?: string | undefined; path: string; headers: IncomingHttpHeaders }[] = [];
  let description: ApiDescription;
  let answerCheck: ReturnType<typeof createAnswerCheck>;
  const messages = createRecordingMessages();
  let answers: Record<string, { status?: number; body: string }>;

  before(async () => {
    gateway = await listen((request, response) => {
      const [, , name = '', rest = ''] =
        /^(\/function\/([^/]+))(.*)$/.exec(request.url ?? '') ?? [];
      if (name === 'alice-hello') {
        tried.push({ method: request.method, path: rest, headers: request.headers });
        if (rest.startsWith('/long')) return void response.end('x'.repeat(300_000));
        if (rest.startsWith('/away')) {
          return void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
        }
        return void request.pipe(response.writeHead(201, { 'x-own': 'yes' }));
      }
      if (name === 'doctor') {
        const { [identityHeader]: identity, [signatureHeader]: signature } = request.headers;
        if (request.method === 'GET') {
          verifyIdentity(testSigner, name, rest, {
            identity: String(identity),
            signature: String(signature),
          });
        }
        asked.push(`${request.method} doctor${rest}`);
        const { status = 200, body } = answers[`doctor${rest}`] ?? { status: 404, body: '' };
        return void response.writeHead(status).end(body);
      }
      // As the functions themselves do: nothing without a signature for them.
      testSigner.verify(
        { receiver: name, method: 'GET', path: rest, body: '' },
        String(request.headers[signatureHeader]),
      );
      asked.push(`${name}${rest}`);
      const { status = 200, body } = answers[name] ?? { status: 404, body: '' };
      response.writeHead(status).end(body);
    });
    store = createMemoryObjectStore();
    const records = createRecords(store);
    const client = createGatewayClient({ url: gateway.url });
    const handler = createDashboard({
      signer: testSigner,
      gateway: client,
      watch: watchOf({ signer: testSigner, gateway: client, store, records }),
      readDeployment: createDeploymentReader(store),
      gatewayUrl: gateway.url,
      dispatcher: new Agent(),
      store,
      records,
      tokens: createApiTokens(store, createPeople(store)),
      acting: { records, messages, claim: { leaseMs: 1000, maxAttempts: 3 }, now: Date.now },
      urls: createPublicUrls({ publicUrl: '', prettyUrl }),
      site: parseSite(prettyUrl),
      scms: [
        { scm: 'github', kind: 'github', url: 'https://github.com', installUrl: null },
        { scm: 'gitlab-work', kind: 'gitlab', url: 'https://git.example', installUrl: null },
      ],
      notifications: {
        destinations: createDestinations(store, createVault({ current: 'secret' })),
        notices: createNotices(store),
        allowed: createAllowedAddresses(),
      },
      files: { js: 'main-1.js', css: 'main-1.css' },
      assets: new Map([
        [
          'main-1.js',
          { contentType: 'text/javascript', content: Buffer.from('x'), brotli: Buffer.from('br') },
        ],
      ]),
    });
    server = await listen((request, response) => {
      const gone = new AbortController();
      response.on('close', () => gone.abort());
      const log = createLogger({}, () => undefined);
      void handler(request, response, { callId: 'c', signal: gone.signal, log } as never);
    });
    description = JSON.parse((await get('/dashboard/api/openapi.json')).body) as ApiDescription;
    answerCheck = createAnswerCheck(description);
  });
  beforeEach(() => {
    asked = [];
    tried = [];
    messages.sent.length = 0;
    store.objects.clear();
    answers = {
      'list-functions': {
        body: JSON.stringify([
          listed('alice-hello'),
          listed('alice-other', { labels: labels('alice', 'gitlab') }),
        ]),
      },
      'system-metrics': {
        body: JSON.stringify({ functions: { 'alice-hello': { success: 4, failure: 1, series } } }),
      },
    };
  });
  after(async () => {
    await server.close();
    await gateway.close();
  });

  const get = async (
    path: string,
    owners = ['alice', 'acme'],
    more: Record<string, string> = {},
    who: Partial<Identity> = {},
  ) => {
    const identity = testIdentity({ login: owners[0] ?? '', owners, ...who });
    const signed = signIdentity(testSigner, 'dashboard', path, identity);
    return await send(server.port, path, {
      headers: {
        [identityHeader]: signed.identity,
        [signatureHeader]: signed.signature,
        ...more,
      },
    });
  };
  const api = async <T>(
    question: string,
    owners?: string[],
    who?: Partial<Identity>,
  ): Promise<T> => {
    const path = `/dashboard/api/${question}`;
    const answer = await get(path, owners, {}, who);
    expect(answer.status, answer.body).to.equal(200);
    const value: unknown = JSON.parse(answer.body);
    answerCheck.check('get', path, value);
    return value as T;
  };
  const post = async (
    name: string,
    body: object | string,
    who: Partial<Identity> = {},
    type = 'application/json',
  ) => {
    const path = `/dashboard/api/${name}`;
    const identity = testIdentity({ owners: ['alice', 'acme'], ...who });
    const signed = signIdentity(testSigner, 'dashboard', path, identity);
    const answer = await send(server.port, path, {
      method: 'POST',
      headers: {
        'content-type': type,
        [identityHeader]: signed.identity,
        [signatureHeader]: signed.signature,
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    if (answer.status === 200) answerCheck.check('post', path, JSON.parse(answer.body));
    return answer;
  };
  const deploy = async (changes: Parameters<typeof testPush>[0] = {}) => {
    const records = createRecords(store);
    const push = testPush(changes);
    await records.begin(push);
    return { records, push };
  };

  it('sends the page for every address, with nothing of other hosts in it', async () => {
    for (const path of ['/dashboard', '/dashboard/', '/dashboard/alice/functions/hello?x=1']) {
      const { status, headers, body } = await get(path);
      expect(status).to.equal(200);
      expect(headers['content-security-policy']).to.include(
        "default-src 'none'; script-src 'self'",
      );
      expect(headers['cache-control']).to.equal('no-store');
      expect(body).to.include('<script type="module" src="/dashboard/assets/main-1.js">');
      expect(body).not.to.match(/https?:\/\//);
    }
  });

  it('sends its files to be kept for ever, packed for who takes that', async () => {
    const plain = await get('/dashboard/assets/main-1.js');
    expect([plain.body, plain.headers['content-encoding']]).to.deep.equal(['x', undefined]);
    expect(plain.headers['cache-control']).to.include('immutable');
    const packed = await get('/dashboard/assets/main-1.js', undefined, {
      'accept-encoding': 'gzip, br',
    });
    expect([packed.body, packed.headers['content-encoding']]).to.deep.equal(['br', 'br']);
    for (const name of ['main-2.js', '../handler.ts', '', 'constructor']) {
      expect((await get(`/dashboard/assets/${name}`)).status).to.equal(404);
    }
  });

  it('tells who is signed in and whose things they may see', async () => {
    expect(await api<Me>('me')).to.deep.equal({
      login: 'alice',
      provider: 'github',
      owners: ['alice', 'acme'],
      operator: false,
      site: { systemOrigin: 'http://system.localhost:8080' },
    });
  });

  it('tells how repos are connected', async () => {
    const { scms } = await api<SettingsAnswer>('settings');
    expect(scms.map(({ scm, webhookUrl }) => [scm, webhookUrl])).to.deep.equal([
      ['github', 'http://system.localhost:8080/github-event'],
      ['gitlab-work', 'http://system.localhost:8080/gitlab-event'],
    ]);
  });

  it('lists functions with their traffic', async () => {
    const { functions, metricsProblem } = await api<FunctionList>('functions?owner=alice');
    expect(metricsProblem).to.equal(null);
    expect(functions.map(({ service }) => service)).to.deep.equal(['alice-hello']);
    expect(functions[0]).to.include({
      name: 'hello',
      url: 'http://alice.localhost:8080/hello',
      repoUrl: 'https://github.com/Alice/hello',
      deployedAt: 1_700_000_000_000,
    });
    expect(functions[0]?.traffic).to.deep.equal({
      success: 4,
      failure: 1,
      spark: [1, 1, 3],
      failures: [0, 1, 0],
    });
    expect(asked).to.have.members([
      'list-functions/?user=alice',
      'system-metrics/?user=alice&metrics_window=60m&detail=1',
    ]);
  });

  it('shows the list without numbers while metrics do not answer', async () => {
    answers['system-metrics'] = { status: 502, body: 'no' };
    const list = await api<FunctionList>('functions?owner=alice&window=24h');
    expect(list.functions[0]?.traffic).to.equal(null);
    expect(list.metricsProblem).to.include('system-metrics');
  });

  it('shows the traffic of a function over time', async () => {
    const numbers = [1, 2];
    answers['system-metrics'] = {
      body: JSON.stringify({
        success: 2,
        failure: 1,
        windowSeconds: 3600,
        stepSeconds: 60,
        latency: { p50: 0.1, p95: null, p99: null },
        series: {
          times: numbers,
          success: numbers,
          failure: numbers,
          p50: [0.1, null],
          p95: [null, null],
          p99: [null, null],
        },
      }),
    };
    const traffic = await api<object>('function-traffic?owner=alice&function=hello&window=24h');
    expect(traffic).to.deep.include({ success: 2, failure: 1 });
    expect(asked.at(-1)).to.equal(
      'system-metrics/?function=alice-hello&metrics_window=24h&detail=1',
    );
  });

  const deployed = async () => {
    const { records, push } = await deploy({ pusher: 'carol', receivedAt: 1_700_000_777_000 });
    const web = testFunction('hello');
    const functions = [web];
    await records.recordPlan(push, { outcome: 'planned', functions, warnings: [], at: 1 });
    await records.recordBuild(push, web.key, {
      outcome: 'built',
      image: 'registry.example/alice/hello-hello:1@sha256:12',
      cached: false,
      seconds: 3,
      at: 2,
    });
    const more = {
      'com.openfaas.cloud.deployment': push.id,
      'com.openfaas.cloud.git-private': '0',
    };
    const fn = listed('alice-hello', { labels: { ...labels('alice'), ...more } });
    answers['list-functions'] = { body: JSON.stringify([fn]) };
    return push;
  };

  it('shows what a function was made from, and by whom', async () => {
    const push = await deployed();
    const fn = await api<FunctionOne>('function?owner=alice&function=hello');
    expect(fn.deployedBy).to.equal('carol');
    expect(fn.badgeUrl).to.equal('http://system.localhost:8080/badge/alice/hello.svg');
    expect(fn.provenance).to.deep.include({
      id: push.id,
      sha: push.sha,
      image: 'registry.example/alice/hello-hello:1@sha256:12',
      seconds: 3,
      lang: 'node-ts',
    });
    const list = await api<FunctionList>('functions?owner=alice');
    expect(list.functions.map(({ deployedBy }) => deployedBy)).to.deep.equal(['carol']);
    // Without its records it is shown all the same.
    store.objects.clear();
    answers['list-functions'] = { body: JSON.stringify([listed('alice-hello')]) };
    const bare = await api<FunctionOne>('function?owner=alice&function=hello');
    expect([bare.deployedBy, bare.provenance]).to.deep.equal([null, null]);
  });

  describe('tries a function', () => {
    const trial = {
      owner: 'alice',
      function: 'hello',
      method: 'POST',
      path: '/a?b=c',
      headers: [],
    };
    const run = async (changes: object, who?: Partial<Identity>) =>
      await post('try', { ...trial, body: 'hi', ...changes }, who);

    it('and gives its answer, as it is', async () => {
      const headers = [
        { name: 'X-Mine', value: '1' },
        { name: 'Authorization', value: 'Bearer own' },
      ];
      const answer = JSON.parse((await run({ headers })).body) as TriedAnswer;
      expect(answer).to.include({ status: 201, body: 'hi', truncated: false });
      expect(answer.headers).to.deep.include({ name: 'x-own', value: 'yes' });
      expect(tried[0]).to.include({ method: 'POST', path: '/a?b=c' });
      expect(tried[0]?.headers).to.include({ 'x-mine': '1', authorization: 'Bearer own' });
      expect(tried[0]?.headers['x-forwarded-host']).to.equal('alice.localhost:8080');
    });

    it('with nothing that only the platform may say', async () => {
      const headers = ['X-Cloud-Signature', 'x-cloud-identity', 'Host', 'X-Forwarded-For'].map(
        (name) => ({ name, value: 'forged' }),
      );
      headers.push({ name: 'Cookie', value: 'openfaas_cloud_token=stolen; mine=1' });
      headers.push({ name: 'authorization', value: `Bearer ofc_github.1.${'x'.repeat(43)}` });
      expect((await run({ headers })).status).to.equal(200);
      const text = JSON.stringify(tried[0]?.headers);
      expect(text).not.to.match(/forged|stolen|ofc_/);
      expect(tried[0]?.headers.cookie).to.equal('mine=1');
    });

    it('and none of its redirects, nor more of its answer than fits', async () => {
      expect(JSON.parse((await run({ path: '/away' })).body)).to.include({ status: 302 });
      const long = JSON.parse((await run({ path: '/long' })).body) as TriedAnswer;
      expect([long.truncated, long.body.length]).to.deep.equal([true, 256 * 1024]);
    });

    it('and nothing but that function', async () => {
      for (const path of ['/../bob-x', '/%2e%2e/bob-x', '//x', '/a\\b', '/..%2fx', '/a b', '/#x']) {
        expect((await run({ path })).status, path).to.equal(400);
      }
      for (const odd of [{ method: 'CONNECT' }, { path: 'http://x/' }, { function: 'other' }]) {
        expect((await run(odd)).status, JSON.stringify(odd)).to.be.oneOf([400, 404]);
      }
      for (const headers of [[{ name: 'a\r\nb', value: '' }], [{ name: 'a', value: '\r\nx: y' }]]) {
        expect((await run({ headers })).status).to.equal(400);
      }
      expect((await run({}, { login: 'mallory', owners: ['mallory'] })).status).to.equal(404);
      expect((await run({}, { readOnly: true })).status).to.equal(403);
      const annotations = { 'com.openfaas.cloud.auth': 'owner' };
      answers['list-functions'] = {
        body: JSON.stringify([listed('alice-hello', { annotations })]),
      };
      expect((await run({}, { login: 'bob', owners: ['bob', 'alice'] })).status).to.equal(403);
      expect(tried).to.deep.equal([]);
    });
  });

  it('shows owners their audit trail, and operators all of it', async () => {
    for (const [n, owner] of ['alice', 'bob', undefined].entries()) {
      const whose = owner === undefined ? {} : { owner };
      const { key, time } = auditKey(`v1,${n},x`, owner);
      const entry = { time, source: 's', message: `m ${n}`, ...whose, actor: 'github:1' };
      await store.put(key, JSON.stringify(entry));
    }
    const mine = await api<AuditAnswer>('audit?owner=alice');
    expect(mine.entries.map(({ message }) => message)).to.deep.equal(['m 0']);
    const all = await api<AuditAnswer>('audit', undefined, { operator: true });
    expect(all.entries.map(({ message }) => message)).to.deep.equal(['m 2', 'm 1', 'm 0']);
    expect((await get('/dashboard/api/audit')).status).to.equal(403);
    expect((await get('/dashboard/api/audit?owner=bob')).status).to.equal(404);
    for (const before of ['..', '1970-01-01/../x', '1970-01-01/', '%00']) {
      const path = `/dashboard/api/audit?owner=alice&before=${encodeURIComponent(before)}`;
      expect((await get(path)).status, before).to.equal(400);
    }
    // The name belongs to an account of another SCM.
    await store.put('owners/acme.json', JSON.stringify({ scm: 'gitlab', id: 1 }));
    const { key, time } = auditKey('v1,9,x', 'acme');
    await store.put(key, JSON.stringify({ time, source: 's', message: 'secret', owner: 'acme' }));
    expect((await api<AuditAnswer>('audit?owner=acme')).entries).to.deep.equal([]);
  });

  describe('for operators', () => {
    const operator = { operator: true };
    const state = {
      queue: { depth: 1, running: 2, dead: 1, oldestMs: 5 },
      deadLetters: [{ id: 'a1', function: 'f', attempts: 3, reason: 'no', failedAt: 'x' }],
      functions: [{ name: 'echo', image: 'i:1', replicas: 1, availableReplicas: 1 }],
      gateway: '0.1.0',
      provider: 'faasd 1',
    };

    it('shows the queue, what goes on and what the doctor finds', async () => {
      const { records, push } = await deploy({ receivedAt: 1_700_000_999_000 });
      const functions = [testFunction('one'), testFunction('two')];
      await records.recordPlan(push, { outcome: 'planned', functions, warnings: [], at: 1 });
      await records.claim(push, 'build/one', { leaseMs: 1000, maxAttempts: 1 });
      answers['doctor/?show=state'] = { body: JSON.stringify(state) };
      const found = await api<PlatformAnswer>('platform', undefined, operator);
      expect(found).to.deep.include({ state, problem: null });
      expect(found.open.map(({ id, building }) => [id, building])).to.deep.equal([
        [push.id, ['one']],
      ]);
      const finding = { check: 'c', code: 'ok', level: 'ok', what: 'w', why: '', fix: '' };
      answers['doctor/'] = { body: JSON.stringify({ findings: [finding] }) };
      const { findings } = await api<FindingsAnswer>('findings', undefined, operator);
      expect(findings).to.deep.equal([finding]);
    });

    it('says what is missing without the doctor', async () => {
      const found = await api<PlatformAnswer>('platform', undefined, operator);
      expect(found.state).to.equal(null);
      expect(found.problem).to.be.a('string');
    });

    it('moves dead letters', async () => {
      answers['doctor/'] = { body: '{}' };
      expect((await post('redrive', { id: 'a1' }, operator)).status).to.equal(200);
      expect((await post('discard', { id: 'a1' }, operator)).status).to.equal(200);
      expect(asked).to.deep.equal(['POST doctor/', 'POST doctor/']);
      expect((await post('discard', { id: '../x' }, operator)).status).to.equal(400);
      expect(messages.of('audit')).to.have.length(2);
    });

    it('and for nobody else', async () => {
      for (const path of ['platform', 'findings']) {
        expect((await get(`/dashboard/api/${path}`)).status, path).to.equal(403);
      }
      for (const what of ['redrive', 'discard']) {
        expect((await post(what, { id: 'a1' })).status, what).to.equal(403);
      }
      expect(asked).to.deep.equal([]);
    });
  });

  describe('a badge', () => {
    const badge = (path: string) => send(server.port, `/badge/${path}`);

    it('shows everybody that a function of a public repo is live', async () => {
      await deployed();
      const answer = await badge('alice/hello.svg');
      expect(answer.status).to.equal(200);
      expect(answer.headers['content-type']).to.include('image/svg+xml');
      expect(answer.headers['cache-control']).to.equal('public, max-age=60');
      expect(answer.body).to.include('hello: live aaaaaaa');
      const before = asked.length;
      await badge('alice/hello.svg');
      expect(asked.length).to.equal(before);
    });

    it('does not tell a private one from one that is not there', async () => {
      const secret = { ...labels('alice'), 'com.openfaas.cloud.git-private': '1' };
      answers['list-functions'] = {
        body: JSON.stringify([
          listed('alice-secret', { labels: secret }),
          listed('alice-old', { labels: labels('alice') }),
        ]),
      };
      const unknown = await badge('alice/nothing.svg');
      for (const name of ['alice/secret.svg', 'alice/old.svg', 'bob/secret.svg']) {
        const answer = await badge(name);
        expect([answer.status, answer.body]).to.deep.equal([404, unknown.body]);
      }
      for (const name of ['', 'alice', 'alice/x', 'alice/%3Csvg%3E.svg', '%ff/x.svg', '../x.svg']) {
        expect((await badge(name)).status, name).to.equal(404);
      }
    });
  });

  it('links to no address that is not a web page', async () => {
    const annotations = { 'com.openfaas.cloud.git-repo-url': 'javascript:alert(1)' };
    answers['list-functions'] = { body: JSON.stringify([listed('alice-hello', { annotations })]) };
    const { functions } = await api<FunctionList>('functions?owner=alice');
    expect(functions[0]?.repoUrl).to.equal(null);
  });

  it('lists deployments, newest first, by page', async () => {
    for (let minute = 0; minute < 30; minute++) {
      await deploy({ receivedAt: 1_700_000_000_000 + minute * 60_000 });
    }
    await deploy({ repo: 'other', receivedAt: 1_800_000_000_000 });
    const first = await api<DeploymentPage>('deployments?owner=alice');
    expect(first.deployments).to.have.length(25);
    expect(first.deployments[0]).to.include({ repo: 'other', state: 'received', endedAt: null });
    const second = await api<DeploymentPage>(`deployments?owner=alice&before=${first.next}`);
    expect(second.deployments).to.have.length(6);
    expect(second.next).to.equal(null);
    const ids = [...first.deployments, ...second.deployments].map(({ id }) => id);
    expect(ids).to.deep.equal([...ids].sort().reverse());
    const some = await api<DeploymentPage>('deployments?owner=alice&repo=other');
    expect(some.deployments).to.have.length(1);
  });

  it('shows a deployment with its functions and steps', async () => {
    const { records, push } = await deploy();
    const key = testFunction('web').key;
    const at = push.receivedAt + 900;
    await records.recordPlan(push, {
      outcome: 'planned',
      functions: [testFunction('web')],
      warnings: ['One thing.'],
      at,
    });
    await records.recordBuild(push, key, {
      outcome: 'failed',
      code: 'OFC_BUILD_FAILED',
      text: 'It does not compile.',
      at: at + 10,
    });
    const detail = await api<DeploymentDetail>(`deployment?owner=alice&repo=hello&id=${push.id}`);
    expect(detail.warnings).to.deep.equal(['One thing.']);
    expect(detail.functions).to.deep.equal([
      {
        name: 'web',
        state: 'failed',
        text: 'It does not compile. (OFC_BUILD_FAILED)',
        url: null,
        cached: false,
        hasLog: true,
      },
    ]);
    expect(detail.steps.map(({ ms }) => ms)).to.deep.equal([0, 900, 910]);
  });

  it('streams logs of what is theirs', async () => {
    const { push } = await deploy();
    answers['pipeline-log'] = { body: 'step 1\n' };
    answers['function-logs'] = { body: 'data: {}\n\n' };
    const query = `owner=alice&repo=hello&id=${push.id}&function=web&follow=1`;
    const build = await get(`/dashboard/api/build-log?${query}`);
    expect([build.body, build.headers['content-type']]).to.deep.equal([
      'step 1\n',
      'text/plain; charset=utf-8',
    ]);
    expect(asked.at(-1)).to.equal(
      `pipeline-log/?owner=alice&repo=hello&sha=${push.sha}&function=web&follow=1`,
    );
    const log = await get('/dashboard/api/function-log?owner=alice&function=hello&tail=5');
    expect([log.body, log.headers['content-type']]).to.deep.equal([
      'data: {}\n\n',
      'text/event-stream',
    ]);
    expect(asked.at(-1)).to.equal('function-logs/?function=alice-hello&tail=5');
    delete answers['pipeline-log'];
    expect((await get(`/dashboard/api/build-log?${query}`)).status).to.equal(404);
  });

  it('has nothing of others for anybody', async () => {
    const { push } = await deploy();
    await deploy({ scm: 'gitlab', receivedAt: 1_700_000_100_000 });
    const id = `id=${push.id}`;
    const questions = [
      'functions?owner=alice',
      'deployments?owner=alice',
      `deployment?owner=alice&repo=hello&${id}`,
      `build-log?owner=alice&repo=hello&${id}&function=web`,
      'function-log?owner=alice&function=hello',
      'function-traffic?owner=alice&function=hello',
    ];
    for (const question of questions) {
      const answer = await get(`/dashboard/api/${question}`, ['mallory', 'alic', 'alice-x']);
      expect(answer.status, question).to.equal(404);
    }
    expect(asked).to.deep.equal([]);
    // The same name at another provider is somebody else.
    const { deployments } = await api<DeploymentPage>('deployments?owner=alice');
    expect(deployments.map((each) => each.id)).to.deep.equal([push.id]);
    const other = await get('/dashboard/api/function-traffic?owner=alice&function=other');
    expect(other.status).to.equal(404);
  });

  it('shows a private repo, its deployments and logs to its owner and members, and to nobody else', async () => {
    const { push } = await deploy({ private: true });
    const hidden = { 'com.openfaas.cloud.git-private': '1' };
    const own = listed('alice-hello', { labels: { ...labels('alice'), ...hidden } });
    answers['list-functions'] = { body: JSON.stringify([own]) };
    answers['pipeline-log'] = { body: 'step 1\n' };
    answers['function-logs'] = { body: 'data: {}\n\n' };
    const id = `id=${push.id}`;
    const questions = [
      'functions?owner=alice',
      'deployments?owner=alice',
      `deployment?owner=alice&repo=hello&${id}`,
      `build-log?owner=alice&repo=hello&${id}&function=web`,
      'function-log?owner=alice&function=hello',
    ];
    for (const question of questions) {
      // A member is somebody else who may see the owner.
      for (const owners of [['alice'], ['bob', 'alice']]) {
        const answer = await get(`/dashboard/api/${question}`, owners);
        expect(answer.status, `${question}: ${answer.body}`).to.equal(200);
      }
      const outside = await get(`/dashboard/api/${question}`, ['mallory']);
      expect(outside.status, question).to.equal(404);
      expect(outside.body).to.not.contain(push.sha);
      const elsewhere = await get(
        `/dashboard/api/${question}`,
        ['alice'],
        {},
        { provider: 'gitlab', subject: 'gitlab:1' },
      );
      expect(elsewhere.body, question).to.not.contain(push.sha).and.to.not.contain('alice-hello');
    }
  });

  it('makes tokens for people, shows each once, and ends them', async () => {
    const wanted = { name: 'ci', scope: 'read', days: 30 };
    const made = JSON.parse((await post('make-token', wanted)).body) as NewToken;
    expect(made.token).to.match(/^ofc_github\.1\.[\w-]{43}$/);
    const listed = await get('/dashboard/api/tokens');
    expect(listed.body).not.to.include(made.token);
    const { tokens } = await api<TokenList>('tokens');
    expect(tokens).to.deep.equal([made.info]);
    expect(made.info).to.include({ name: 'ci', scope: 'read' });
    expect(JSON.stringify(messages.sent)).not.to.include(made.token);
    const { id } = made.info;
    const mallory = { subject: 'github:2', id: '2', login: 'mallory' };
    expect((await post('revoke-token', { id }, mallory)).status).to.equal(404);
    expect((await post('revoke-token', { id })).status).to.equal(200);
    expect((await api<TokenList>('tokens')).tokens).to.deep.equal([]);
    expect((await post('revoke-token', { id })).status).to.equal(404);
  });

  it('lets no token make or end tokens', async () => {
    const byToken = { byToken: true };
    const wanted = { name: 'more', scope: 'act', days: 366 };
    expect((await post('make-token', wanted, byToken)).status).to.equal(403);
    expect((await post('revoke-token', { id: 'x' }, byToken)).status).to.equal(403);
    for (const odd of [{ days: 0 }, { days: 367 }, { days: 1.5 }, { scope: 'all' }, { name: '' }]) {
      const answer = await post('make-token', { ...wanted, ...odd });
      expect(answer.status, JSON.stringify(odd)).to.equal(400);
    }
    expect(store.objects.size).to.equal(0);
  });

  it('sets up notifications, shows their secret once, tests, sends again, and removes', async () => {
    const wanted = {
      owner: 'acme',
      kind: 'webhook',
      events: 'all',
      url: 'https://hooks.example/s3',
    };
    const added = JSON.parse((await post('add-destination', wanted)).body) as NewDestinationAnswer;
    expect(added.secret).to.match(/^whsec_[\w+/]{43}=$/);
    expect(added.destination).to.include({ host: 'hooks.example', createdBy: 'alice' });
    const slack = { ...wanted, kind: 'slack' };
    expect((await post('add-destination', slack)).body).to.include('"secret":null');

    const { id } = added.destination;
    expect((await post('test-destination', { owner: 'acme', id })).status).to.equal(200);
    expect(messages.of('deliverNotices')).to.have.length(1);
    const list = await api<NotificationsAnswer>('notifications?owner=acme');
    expect(list.destinations).to.have.length(2);
    expect(list.notices).to.have.length(1);
    const [notice] = list.notices;
    expect(notice).to.include({ destination: id, state: 'waiting', tries: 0, lastAnswer: null });
    expect((await post('redeliver', { owner: 'acme', id: notice?.id })).status).to.equal(200);
    expect((await api<NotificationsAnswer>('notifications?owner=acme')).notices).to.have.length(2);
    expect((await post('remove-destination', { owner: 'acme', id })).status).to.equal(200);
    expect((await post('redeliver', { owner: 'acme', id: notice?.id })).status).to.equal(404);
    const said = JSON.stringify([list, messages.sent, [...store.objects.values()].map(String)]);
    for (const secret of [added.secret ?? '', '/s3']) expect(said).not.to.include(secret);
    expect(messages.of('audit').map((event) => (event as AuditEvent).message)).to.deep.equal([
      'alice added the webhook at hooks.example',
      'alice added the slack at hooks.example',
      'alice removed the webhook at hooks.example',
    ]);
  });

  it("lets nobody see or touch another owner's notifications, or send them inside", async () => {
    const wanted = {
      owner: 'alice',
      kind: 'webhook',
      events: 'all',
      url: 'https://hooks.example/',
    };
    const { destination } = JSON.parse(
      (await post('add-destination', wanted)).body,
    ) as NewDestinationAnswer;
    const of = { owner: 'alice', id: destination.id };
    const noticeOf = { owner: 'alice', id: `${'0'.repeat(9)}-${'0'.repeat(16)}` };
    const actions: [string, object][] = [
      ['add-destination', wanted],
      ['test-destination', of],
      ['remove-destination', of],
      ['redeliver', noticeOf],
    ];
    messages.sent.length = 0;
    const stored = store.objects.size;
    for (const [name, body] of actions) {
      const mallory = { login: 'mallory', owners: ['mallory'] };
      expect((await post(name, body, mallory)).status, name).to.equal(404);
      expect((await post(name, body, { readOnly: true })).status, name).to.equal(403);
      expect((await post(name, { ...body, id: '../x', kind: 'x' })).status, name).not.to.equal(200);
    }
    for (const [name, body] of actions.slice(1)) {
      expect((await post(name, body, { provider: 'gitlab' })).status, name).to.equal(404);
    }
    expect((await get('/dashboard/api/notifications?owner=alice', ['mallory'])).status).to.equal(
      404,
    );
    for (const url of ['http://hooks.example/', 'https://127.0.0.1/', 'https://[::1]/', 'x']) {
      expect((await post('add-destination', { ...wanted, url })).status, url).to.equal(400);
    }
    expect(store.objects.size).to.equal(stored);
    expect(messages.sent).to.deep.equal([]);
  });

  it('answers nobody whom the router does not vouch for', async () => {
    const bare = await send(server.port, '/dashboard/api/me');
    expect(bare.status).to.equal(401);
    const moved = signIdentity(testSigner, 'dashboard', '/dashboard/api/me', testIdentity({}));
    const headers = { [identityHeader]: moved.identity, [signatureHeader]: moved.signature };
    expect((await send(server.port, '/dashboard/api/functions', { headers })).status).to.equal(401);
    const posted = await send(server.port, '/dashboard/api/me', { method: 'POST', headers });
    expect(posted.status).to.equal(405);
  });

  it('rolls back, redeploys, cancels, deletes and removes for who may', async () => {
    const { records, push } = await deploy();
    const of = { owner: 'alice', repo: 'hello', id: push.id };
    expect((await post('redeploy', of)).status).to.equal(400);
    const cancelled = await post('cancel', of);
    expect(JSON.parse(cancelled.body)).to.include({ id: push.id, state: 'cancelled' });
    expect((await post('roll-back', of)).body).to.include('never live');
    const again = JSON.parse((await post('redeploy', of)).body) as DeploymentRow;
    expect(again).to.deep.include({
      state: 'received',
      pusher: 'alice',
      origin: { kind: 'redeploy', of: push.id },
    });
    const ref = { ...push, id: parseDeploymentId(again.id) };
    await records.recordPlan(ref, { outcome: 'planned', functions: [], warnings: [], at: 1 });
    await records.close(ref, { state: 'live', text: 'Live.', at: 2 });
    const back = await post('roll-back', { ...of, id: again.id });
    expect(JSON.parse(back.body)).to.deep.include({ origin: { kind: 'roll-back', of: again.id } });
    expect((await post('delete-function', { owner: 'alice', function: 'hello' })).status).to.equal(
      200,
    );
    const garbage = () => messages.of('collectGarbage').at(-1);
    expect(garbage()).to.deep.include({ repo: '*', only: ['hello'], from: { scm: 'github' } });
    expect((await post('remove-repo', { owner: 'alice', repo: 'hello' })).status).to.equal(200);
    expect(garbage()).to.deep.include({ repo: 'hello', from: { scm: 'github', repoId: 22 } });
    const said = messages.of('audit').map((event) => (event as AuditEvent).message);
    expect(said).to.deep.equal([
      'alice cancelled the deployment',
      'alice redeployed aaaaaaa',
      'alice rolled back to aaaaaaa',
      'alice deleted the function hello',
      'alice removed the repo hello',
    ]);
  });

  it('lets nobody act on what is not theirs, or by means that are not for it', async () => {
    const { push } = await deploy();
    const of = { owner: 'alice', repo: 'hello', id: push.id };
    const actions: [string, object][] = [
      ['roll-back', of],
      ['redeploy', of],
      ['cancel', of],
      ['delete-function', { owner: 'alice', function: 'hello' }],
      ['remove-repo', { owner: 'alice', repo: 'hello' }],
    ];
    for (const [name, body] of actions) {
      const mallory = { login: 'mallory', owners: ['mallory', 'alic'] };
      expect((await post(name, body, mallory)).status, name).to.equal(404);
      expect((await post(name, body, { provider: 'gitlab' })).status, name).to.equal(404);
      expect((await post(name, body, { readOnly: true })).status, name).to.equal(403);
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', '']) {
        expect((await post(name, body, {}, type)).status, `${name} ${type}`).to.equal(415);
      }
      expect((await post(name, '{')).status, name).to.equal(400);
      expect((await post(name, {})).status, name).to.equal(400);
      expect((await get(`/dashboard/api/${name}`)).status, name).to.equal(405);
    }
    const large = { ...of, more: 'x'.repeat(200_000) };
    expect((await post('cancel', large)).status).to.equal(413);
    expect(messages.sent).to.deep.equal([]);
  });

  describe('describes itself in OpenAPI', () => {
    it('with each of its routes, and no other', async () => {
      expect(description.openapi).to.match(/^3\.1\./);
      expect(description.servers).to.deep.equal([{ url: 'http://system.localhost:8080' }]);
      const described = Object.entries(description.paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
      );
      expect(described.sort()).to.deep.equal(
        apiRoutes.map(({ method, name }) => `${method} /dashboard/api/${name}`).sort(),
      );
    });

    it('as it is: each question without its required parameters is refused', async () => {
      for (const [path, { get: operation }] of Object.entries(description.paths)) {
        if (operation?.parameters?.some(({ required }) => required) !== true) continue;
        expect((await get(path)).status, path).to.be.oneOf([400, 422]);
      }
    });

    it('as it answers: every JSON answer of this file was compared', async () => {
      await api('openapi.json');
      expect(answerCheck.unseen()).to.deep.equal([]);
    });
  });

  it('refuses what is no question', async () => {
    const expected: [string, number][] = [
      ['nothing', 404],
      ['functions', 400],
      ['functions?owner=../x', 422],
      ['functions?owner=alice&window=1y', 400],
      ['deployments?owner=alice&before=zzz', 400],
      ['deployments?owner=alice&repo=..', 422],
      ['deployment?owner=alice&repo=hello&id=1', 400],
    ];
    for (const [question, status] of expected) {
      expect((await get(`/dashboard/api/${question}`)).status, question).to.equal(status);
    }
  });
});
