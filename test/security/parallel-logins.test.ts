import { expect } from 'chai';
import { type AuthStage, buildAuthStage, vouched } from '../functions/of-auth/stage.ts';
import { send, type TestAnswer } from '../helpers/http-client.ts';

const system = 'system.example.com';
const alice = 'alice.example.com';
const signInPath = '/.well-known/openfaas-cloud/sign-in';

/** One browser with several tabs: it keeps cookies by host, in the order in which they came. */
function browser(stage: AuthStage) {
  const jars = new Map<string, Map<string, string>>();
  const cookiesOf = (host: string) => {
    const jar = jars.get(host) ?? new Map<string, string>();
    jars.set(host, jar);
    return jar;
  };
  const get = async (host: string, path: string): Promise<TestAnswer> => {
    const jar = cookiesOf(host);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...vouched(stage, path, { host }), cookie };
    const answer = await send(stage.port, path, { headers });
    for (const text of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = '', age] = /^([^=]+)=([^;]*).*Max-Age=(\d+)/.exec(text) ?? [];
      if (age === '0') jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  };
  /** Opens a page for signing in, and gives the address at which the provider would end it. */
  const begin = async (wanted: string): Promise<string> => {
    const answer = await get(system, `/auth/login?r=${encodeURIComponent(wanted)}`);
    const state = new URL(answer.headers.location ?? '').searchParams.get('state');
    return `/auth/callback?code=good&state=${state}`;
  };
  return { get, begin, cookiesOf };
}

describe('sign-ins at the same time in one browser', () => {
  let stage: AuthStage;
  beforeEach(async () => {
    stage = await buildAuthStage();
  });
  afterEach(() => stage.close());

  it('in several tabs each end where that tab was to go, in any order', async () => {
    const { get, begin, cookiesOf } = browser(stage);
    const wanted = ['/dashboard/a', '/dashboard/b', '/dashboard/c'];
    const callbacks = await Promise.all(wanted.map(begin));
    for (const tab of [1, 0, 2]) {
      const answer = await get(system, callbacks[tab] ?? '');
      expect(answer.headers.location).to.equal(`https://${system}${wanted[tab]}`);
    }
    expect([...cookiesOf(system).keys()]).to.deep.equal(['__Host-openfaas_cloud_token']);
  });

  it('are a few: the oldest is given up, and offered again', async () => {
    const { get, begin, cookiesOf } = browser(stage);
    const oldest = await begin('/oldest');
    const second = await begin('/second');
    for (let i = 0; i < 20; i++) {
      await begin(`/${i}`);
      if (i === 1) expect((await get(system, second)).status).to.equal(302);
    }
    expect(cookiesOf(system).size).to.be.at.most(5);
    const answer = await get(system, oldest);
    expect(answer.status).to.equal(400);
    expect(answer.body).to.contain('Try again');
  });

  it('at a protected function each end at the page of their tab', async () => {
    const { get, begin, cookiesOf } = browser(stage);
    const ask = async (wanted: string) => {
      const answer = await get(alice, `${signInPath}?r=${wanted}`);
      return (answer.headers.location ?? '').replace(`https://${system}`, '');
    };
    const asked = await Promise.all(['/hello/a', '/hello/b'].map(ask));
    expect((await get(system, await begin('/'))).status).to.equal(302);
    for (const [tab, path] of asked.entries()) {
      const refresh = String((await get(system, path)).headers['refresh']);
      const back = refresh.replace(`0; url=https://${alice}`, '');
      const done = await get(alice, back);
      expect(done.headers.location).to.equal(`https://${alice}/hello/${'ab'[tab]}`);
      // Nor is the address that led there of any use again.
      expect((await get(alice, back)).status).to.equal(400);
    }
    expect([...cookiesOf(alice).keys()]).to.deep.equal(['__Host-ofc_session']);
  });
});
