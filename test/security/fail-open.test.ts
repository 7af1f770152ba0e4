import { expect } from 'chai';
import {
  type AuthStage,
  buildAuthStage,
  cookiesOf,
  customersOf,
  signIn,
} from '../functions/of-auth/stage.ts';
import { buildStage, type Stage } from '../functions/of-router/stage.ts';
import { send } from '../helpers/http-client.ts';
import { createMemoryObjectStore } from '../helpers/memory-object-store.ts';

/**
 * CWE-636. The original's router let everything through to which its auth service said neither yes
 * nor no, and that could be brought about from outside: by an address that only the one of them could
 * read, by a request that only the other one took for too large, or by a list of customers that
 * was out when it started.
 */
describe('of-router never fails open', () => {
  const customers = customersOf('alice');
  const store = createMemoryObjectStore();
  let auth: AuthStage;
  let stage: Stage;
  let cookie: string;
  before(async () => {
    auth = await buildAuthStage({ customers: customers.check, store });
    stage = await buildStage({
      functions: { 'alice-hello': 'alice', 'alice-own': 'alice', 'git-tar': 'git' },
      annotations: { 'alice-own': { 'com.openfaas.cloud.auth': 'owner' } },
      config: { authCacheMs: 0 },
      auth: async (request, response) => {
        const path = (request.url ?? '').slice('/function/of-auth'.length);
        const { host: _, connection: __, ...headers } = request.headers;
        const answer = await send(auth.port, path, { headers });
        response.writeHead(answer.status).end(answer.body);
      },
    });
    const session = '__Host-openfaas_cloud_token';
    cookie = `${session}=${cookiesOf(await signIn(auth))[session]}`;
  });
  after(async () => {
    await stage.close();
    await auth.close();
  });
  beforeEach(() => {
    stage.seen.length = 0;
  });
  const ask = async (host: string, path: string, more: Record<string, string> = {}) =>
    (await send(stage.port, path, { headers: { 'x-forwarded-host': host, ...more } })).status;

  const system = 'system.example.com';
  const attacks: [host: string, path: string, headers?: Record<string, string>][] = [
    ['list.example.com', '/functions/a%20b?user=x'],
    ['git.example.com', '/tar/%25zz'],
    [system, '/dashboard/api/list-functions/a%20b?user=x'],
    [system, '/dashboard/api/list-functions/a;b?user=x'],
    [system, '/dashboard/%25zz'],
    [system, '/list-functions?user=a;b'],
    [system, '/list-functions?user=%zz'],
    [system, '/list-functions?host=alice.example.com&route=/&function=x'],
    [system, '/list-functions', { 'x-big': 'x'.repeat(13_000) }],
    [system, '/list-functions', { cookie: `__Host-openfaas_cloud_token=${'x'.repeat(13_000)}` }],
    [system, '/list-functions', { authorization: `Bearer ofc_${'x'.repeat(13_000)}` }],
    [system, '/list-functions', { 'x-cloud-session': 'x', 'x-cloud-token': 'x' }],
    ['alice.example.com', '/own/a%20b', { cookie: '__Host-ofc_session=x' }],
    ['alice.example.com', '/own?protection=public&owner=alice'],
  ];
  for (const [host, path, headers] of attacks) {
    it(`on ${host}${path} ${Object.keys(headers ?? {})}`, async () => {
      expect(await ask(host, path, headers)).to.be.within(400, 499);
      expect(stage.seen).to.deep.equal([]);
    });
  }

  it('while nobody has read the list of customers, and not for ever', async () => {
    const { now } = customers.list;
    customers.list.now = undefined;
    expect(await ask(system, '/list-functions', { cookie })).to.equal(503);
    expect(stage.seen).to.deep.equal([]);
    // What is open to everyone needs no list.
    expect(await ask('alice.example.com', '/hello')).to.equal(200);
    customers.list.now = now;
    expect(await ask(system, '/list-functions', { cookie })).to.equal(200);
  });

  it('while the store of revoked sessions is out', async () => {
    const restarted = await buildAuthStage({ store, customers: customers.check });
    const session = '__Host-openfaas_cloud_token';
    const other = `${session}=${cookiesOf(await signIn(restarted))[session]}`;
    const { list } = store;
    store.list = () => Promise.reject(new Error('out'));
    const before = auth;
    auth = restarted;
    expect(await ask(system, '/list-functions', { cookie: other })).to.equal(503);
    expect(stage.seen).to.deep.equal([]);
    expect(await ask('alice.example.com', '/hello')).to.equal(200);
    store.list = list;
    expect(await ask(system, '/list-functions', { cookie: other })).to.equal(200);
    // Nor is a session of other keys worth anything.
    expect(await ask(system, '/list-functions', { cookie })).to.equal(401);
    auth = before;
    await restarted.close();
  });
});
