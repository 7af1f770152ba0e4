import { expect } from 'chai';
import { buildStage, type Stage, sendJson } from '../functions/of-router/stage.ts';
import { send } from '../helpers/http-client.ts';

const auth = 'com.openfaas.cloud.auth';
const session = '__Host-openfaas_cloud_token';
const tenant = '__Host-ofc_session';

interface Asked {
  readonly host: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

const system = { host: 'system.example.com', path: '/list-functions' };
const own = { host: 'alice.example.com', path: '/own' };

/** Requests for each of which somebody else's decision would be a wrong one. */
const different: Asked[] = [
  { host: 'alice.example.com', path: '/hello' },
  { host: 'bob.example.com', path: '/hello' },
  system,
  { ...system, path: '/pipeline-log' },
  { ...system, path: '/doctor' },
  { ...system, headers: { cookie: `${session}=a` } },
  { ...system, headers: { cookie: `${session}=b` } },
  { ...system, headers: { cookie: `${session}=A` } },
  { ...system, headers: { authorization: 'Bearer ofc_a' } },
  { ...system, headers: { cookie: `${session}=ofc_a` } },
  { ...system, headers: { authorization: 'Bearer ofc_b' } },
  { ...system, headers: { cookie: `${session}=a`, 'sec-fetch-site': 'cross-site' } },
  { ...system, path: '/dashboard/x', headers: { cookie: `${session}=a` } },
  { ...system, path: '/dashboard/x', method: 'POST', headers: { cookie: `${session}=a` } },
  {
    ...{ ...system, path: '/dashboard/x', method: 'POST' },
    headers: { cookie: `${session}=a`, origin: 'https://system.example.com' },
  },
  own,
  { ...own, headers: { cookie: `${tenant}=a` } },
  { ...own, headers: { cookie: `${tenant}=b` } },
  { ...own, method: 'POST', headers: { cookie: `${tenant}=a` } },
  {
    ...{ ...own, method: 'POST' },
    headers: { cookie: `${tenant}=a`, origin: 'https://alice.example.com' },
  },
  { ...own, headers: { cookie: `${tenant}=a`, origin: 'https://bob.example.com' } },
  { host: 'bob.example.com', path: '/own', headers: { cookie: `${tenant}=a` } },
  { ...own, path: '/members', headers: { cookie: `${tenant}=a` } },
];

/** Another spelling, or something that nobody is asked about: the decision of before may serve. */
const same: [Asked, Asked][] = [
  [
    { host: 'alice.example.com', path: '/hello' },
    { host: 'ALICE.example.com.', path: '/hello/x?y', headers: { cookie: `${tenant}=a` } },
  ],
  [
    { ...own, headers: { cookie: `${tenant}=a` } },
    { ...own, path: '/own/x?y', headers: { cookie: `x=1; ${tenant}=a` } },
  ],
];

/**
 * CWE-524, and GHSA-v574 of `@fastify/reply-from`, whose cache was led to mistake one request for another:
 * a decision that is kept serves nobody but those about whom it was made.
 */
describe('decisions that of-router keeps', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await buildStage({
      functions: {
        'alice-hello': 'alice',
        'alice-own': 'alice',
        'alice-members': 'alice',
        'bob-hello': 'bob',
        'bob-own': 'bob',
      },
      annotations: {
        'alice-own': { [auth]: 'owner' },
        'alice-members': { [auth]: 'members' },
        'bob-own': { [auth]: 'owner' },
      },
      auth: (_, response) => sendJson(response, { allow: true, cacheSeconds: 60 }),
    });
  });
  afterEach(() => stage.close());
  const ask = async ({ host, path, method = 'GET', headers = {} }: Asked) => {
    const given = { 'x-forwarded-host': host, ...headers };
    expect((await send(stage.port, path, { method, headers: given })).status).to.equal(200);
    return stage.questions.length;
  };

  it('serve nobody else', async () => {
    let asked = 0;
    for (const each of different) {
      asked += 1;
      expect(await ask(each), JSON.stringify(each)).to.equal(asked);
    }
    // All of them are kept, and each finds its own again.
    for (const each of different) expect(await ask(each), JSON.stringify(each)).to.equal(asked);
  });

  for (const [first, second] of same) {
    it(`serve ${second.host}${second.path} as ${first.host}${first.path}`, async () => {
      expect(await ask(first)).to.equal(1);
      expect(await ask(second)).to.equal(1);
    });
  }

  it('do not outlive the protection that they were made about', async () => {
    const functions: Record<string, string> = { 'alice-own': 'alice' };
    const annotations: Record<string, Record<string, string>> = {};
    const changing = await buildStage({
      functions,
      annotations,
      auth: (request, response) =>
        sendJson(
          response,
          request.url?.includes('protection')
            ? { allow: false, cacheSeconds: 60, status: 401, reason: 'sign-in', message: 'No.' }
            : { allow: true, cacheSeconds: 60 },
        ),
    });
    const status = async (path = '/own') =>
      (await send(changing.port, path, { headers: { 'x-forwarded-host': own.host } })).status;
    expect(await status()).to.equal(200);
    annotations['alice-own'] = { [auth]: 'owner' };
    // A miss is answered from a list that was asked for after it.
    expect(await status('/none')).to.equal(404);
    expect(await status()).to.equal(401);
    await changing.close();
  });
});
