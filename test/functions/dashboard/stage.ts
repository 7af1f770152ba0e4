import type { IncomingHttpHeaders } from 'node:http';
import { expect } from 'chai';
import { Agent } from 'undici';
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
import { createRecords } from '#shared/pipeline/records.ts';
import { createPublicUrls } from '#shared/public-urls.ts';
import { parseSite } from '#shared/router/site.ts';
import { createVault } from '#shared/vault.ts';
import { watchOf } from '../../../functions/dashboard/api/events-api.ts';
import { createDashboard } from '../../../functions/dashboard/dashboard.ts';
import { createDeploymentReader } from '../../../functions/dashboard/deployment-reader.ts';
import { createRowReader } from '../../../functions/dashboard/deployment-rows.ts';
import { type ApiDescription, createAnswerCheck } from '../../helpers/api-description.ts';
import { send as sendTo } from '../../helpers/http-client.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { testFunction, testPush } from '../../helpers/pipeline-fixtures.ts';
import { createRecordingMessages } from '../../helpers/recording-messages.ts';
import { testIdentity, testSigner } from '../../helpers/signed-request.ts';

/** The routes with JSON answers, by the file whose tests compare each with its description. */
export const comparedIn = {
  page: ['me', 'settings', 'functions', 'function', 'function-traffic', 'audit'],
  deployments: ['deployments', 'deployment'],
  actions: ['roll-back', 'redeploy', 'cancel', 'delete-function', 'remove-repo'],
  'try-it': ['try'],
  operators: ['platform', 'findings', 'redrive', 'discard'],
  account: [
    ...['tokens', 'make-token', 'revoke-token'],
    ...['sessions', 'end-session', 'end-other-sessions'],
  ],
  notifications: [
    ...['notifications', 'add-destination', 'remove-destination'],
    ...['test-destination', 'redeliver'],
  ],
  openapi: ['openapi.json'],
} as const;

const prettyUrl = 'http://user.localhost:8080/function';
export const labels = (name: string, scm = 'github') => ({
  'com.openfaas.cloud.git-cloud': '1',
  'com.openfaas.cloud.git-owner': name,
  'com.openfaas.cloud.git-scm': scm,
  'com.openfaas.cloud.git-repo': 'hello',
  'com.openfaas.cloud.git-branch': 'main',
  'com.openfaas.cloud.git-sha': 'a'.repeat(40),
  'com.openfaas.cloud.git-deploytime': '1700000000',
});
export const listed = (name: string, more: object = {}) => ({
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

/**
 * The dashboard before a gateway whose functions answer what a test says; for one `describe`. What a
 * test may change begins anew with each.
 *
 * @param file Whose tests these are.
 */
export function dashboardStage(file: keyof typeof comparedIn) {
  let gateway: TestServer;
  let server: TestServer;
  let answerCheck: ReturnType<typeof createAnswerCheck>;
  const store = createMemoryObjectStore();
  const asked: string[] = [];
  const tried: { method?: string | undefined; path: string; headers: IncomingHttpHeaders }[] = [];
  const messages = createRecordingMessages();
  const answers: Record<string, { status?: number; body: string }> = {};

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
      if (name === 'doctor' || name === 'of-auth') {
        const { [identityHeader]: identity, [signatureHeader]: signature } = request.headers;
        if (request.method === 'GET' || name === 'of-auth') {
          verifyIdentity(testSigner, name, rest, {
            identity: String(identity),
            signature: String(signature),
          });
        }
        asked.push(`${request.method} ${name}${rest}`);
        const { status = 200, body } = answers[`${name}${rest}`] ?? { status: 404, body: '' };
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
    const records = createRecords(store);
    const client = createGatewayClient({ url: gateway.url });
    const handler = createDashboard({
      signer: testSigner,
      gateway: client,
      watch: watchOf({ signer: testSigner, gateway: client, store, records }),
      readDeployment: createDeploymentReader(store),
      readRow: createRowReader(records),
      gatewayUrl: gateway.url,
      dispatcher: new Agent(),
      store,
      records,
      tokens: createApiTokens(store, createPeople(store)),
      acting: { records, messages, claim: { leaseMs: 1000, maxAttempts: 3 }, now: Date.now },
      urls: createPublicUrls({ publicUrl: '', prettyUrl }),
      site: parseSite(prettyUrl),
      scms: [
        {
          scm: 'github',
          kind: 'github',
          url: 'https://github.com',
          isOwn: false,
          installUrl: null,
        },
        {
          scm: 'gitlab-work',
          kind: 'gitlab',
          url: 'https://git.example',
          isOwn: false,
          installUrl: null,
        },
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
    const description = await get('/dashboard/api/openapi.json');
    answerCheck = createAnswerCheck(JSON.parse(description.body) as ApiDescription);
  });
  beforeEach(() => {
    asked.length = 0;
    tried.length = 0;
    messages.sent.length = 0;
    store.objects.clear();
    for (const name of Object.keys(answers)) delete answers[name];
    Object.assign(answers, {
      'list-functions': {
        body: JSON.stringify([
          listed('alice-hello'),
          listed('alice-other', { labels: labels('alice', 'gitlab') }),
        ]),
      },
      'system-metrics': {
        body: JSON.stringify({ functions: { 'alice-hello': { success: 4, failure: 1, series } } }),
      },
    });
  });
  after(async () => {
    await server.close();
    await gateway.close();
  });

  /** A GET of somebody who is signed in, as the router hands it on. */
  const get = async (
    path: string,
    owners = ['alice', 'acme'],
    more: Record<string, string> = {},
    who: Partial<Identity> = {},
  ) => {
    const identity = testIdentity({ login: owners[0] ?? '', owners, ...who });
    const signed = signIdentity(testSigner, 'dashboard', path, identity);
    return await sendTo(server.port, path, {
      headers: {
        [identityHeader]: signed.identity,
        [signatureHeader]: signed.signature,
        ...more,
      },
    });
  };
  /** What a route answers, compared with its description. */
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
  /** An action of somebody who is signed in. */
  const post = async (
    name: string,
    body: object | string,
    who: Partial<Identity> = {},
    type = 'application/json',
  ) => {
    const path = `/dashboard/api/${name}`;
    const identity = testIdentity({ owners: ['alice', 'acme'], ...who });
    const signed = signIdentity(testSigner, 'dashboard', path, identity);
    const answer = await sendTo(server.port, path, {
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
  /** A push that was received. */
  const deploy = async (changes: Parameters<typeof testPush>[0] = {}) => {
    const records = createRecords(store);
    const push = testPush(changes);
    await records.begin(push);
    return { records, push };
  };

  /** A function that was built from a push and runs. */
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

  return {
    ...{ store, asked, tried, messages, answers },
    ...{ get, api, post, deploy, deployed },
    /** A request as nobody vouches for it. */
    send: (path: string, options?: Parameters<typeof sendTo>[2]) =>
      sendTo(server.port, path, options),
    /** Whether each JSON answer of {@link comparedIn} was compared: for the last test. */
    compared: () => {
      const seen = answerCheck.seen().map((name) => name.split('/').at(-1));
      expect(seen).to.include.members([...comparedIn[file]]);
    },
    /** Names of all routes with JSON answers. */
    withAnswers: () => answerCheck.described().map((name) => name.split('/').at(-1)),
  };
}
