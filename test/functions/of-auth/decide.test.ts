import { expect } from 'chai';
import { createApiTokens } from '#shared/auth/api-tokens.ts';
import { type Decision, type Question, questionPath } from '#shared/auth/decision.ts';
import { createPeople } from '#shared/auth/people.ts';
import { createSigner } from '#shared/messages/signature.ts';
import { createPersonList } from '#shared/person-list.ts';
import { send } from '../../helpers/http-client.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import {
  type AuthStage,
  buildAuthStage,
  cookiesOf,
  customersOf,
  handOver,
  reply,
  signIn,
} from './stage.ts';

const session = '__Host-openfaas_cloud_token';
const start = 1_800_000_000_000;
const system = 'system.example.com';
const list: Question = {
  host: system,
  route: '/list-functions',
  function: 'list-functions',
  action: 'read',
  foreign: false,
};

describe('of-auth decisions', () => {
  let stage: AuthStage;
  let now = start;
  const store = createMemoryObjectStore();
  const customers = customersOf('alice');
  beforeEach(async () => {
    now = start;
    store.objects.clear();
    customers.list.now = createPersonList(['alice']);
    stage = await buildAuthStage({
      customers: customers.check,
      idleSeconds: 600,
      lifetimeSeconds: 3600,
      store,
      now: () => now,
    });
  });
  afterEach(() => stage.close());

  const ask = async (
    question: Question,
    shown: { session?: string | undefined; token?: string | undefined } = {},
    receiver = 'of-auth',
  ): Promise<{ status: number; decision: Decision }> => {
    const path = questionPath(question);
    const headers = {
      'x-cloud-signature': stage.signer.sign({ receiver, method: 'GET', path, body: '' }),
      ...(shown.session === undefined ? {} : { 'x-cloud-session': shown.session }),
      ...(shown.token === undefined ? {} : { 'x-cloud-token': shown.token }),
    };
    const answer = await send(stage.port, path, { headers });
    return { status: answer.status, decision: JSON.parse(answer.body) };
  };
  const signedIn = async () => cookiesOf(await signIn(stage))[session];
  const tokenOf = async (scope: 'read' | 'act') => {
    await signedIn();
    const tokens = createApiTokens(store, createPeople(store), { now: () => now });
    return (await tokens.create('github:7', { name: 'ci', scope, lifetimeDays: 1 })).token;
  };

  it('opens public routes and functions to everyone', async () => {
    const hello: Question = {
      ...{ host: 'alice.example.com', route: '', function: 'alice-hello' },
      owner: { name: 'alice', id: '', scm: 'github' },
      ...{ action: 'act', foreign: true },
    };
    const open: Decision = { allow: true, cacheSeconds: 60 };
    expect((await ask(hello, { session: 'garbage' })).decision).to.deep.equal(open);
    expect((await ask({ ...list, route: '/' })).decision).to.deep.equal(open);
    const builder = { ...list, host: `builder.${system}`, route: '/build', function: 'of-builder' };
    expect((await ask(builder)).decision).to.deep.equal(open);
    expect((await ask({ ...builder, host: system })).decision).to.include({ status: 404 });
  });

  it('hides what is not in the table', async () => {
    const hidden: Partial<Question>[] = [
      { route: '/git-tar' },
      { route: '' },
      { route: '/q/' },
      { host: 'builder.system.example.com' },
      { host: 'alice.example.com' },
      { host: '', owner: { name: 'alice', id: '', scm: 'github' } },
    ];
    const token = await signedIn();
    for (const part of hidden) {
      const { decision } = await ask({ ...list, ...part }, { session: token });
      expect(decision, JSON.stringify(part)).to.include({ status: 404, reason: 'unknown' });
    }
  });

  it('asks for a login where one is needed', async () => {
    for (const token of [undefined, '', 'garbage']) {
      const { decision } = await ask(list, { session: token });
      expect(decision).to.include({ allow: false, reason: 'sign-in', signIn: '/auth/login' });
    }
  });

  it('says who is signed in, and no more than functions need', async () => {
    const token = (await signedIn()) ?? '';
    const { sid } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const { decision } = await ask(list, { session: token });
    expect(decision).to.deep.equal({
      allow: true,
      cacheSeconds: 5,
      identity: {
        subject: 'github:7',
        provider: 'github',
        id: '7',
        login: 'Alice',
        owners: ['alice', 'acme'],
        operator: false,
        readOnly: false,
        byToken: false,
        session: sid,
      },
    });
  });

  it('closes to who is no customer any more, and to all while the list is out', async () => {
    const token = await signedIn();
    customers.list.now = createPersonList(['bob']);
    expect((await ask(list, { session: token })).decision).to.include({ reason: 'not-customer' });
    customers.list.now = undefined;
    const out = await ask(list, { session: token });
    expect(out.status).to.equal(500);
    expect(out.decision).to.not.have.property('allow');
  });

  it('refuses what another site’s page may have sent, whoever it is', async () => {
    const token = await signedIn();
    for (const shown of [{ session: token }, {}]) {
      const { decision } = await ask({ ...list, foreign: true }, shown);
      expect(decision).to.include({ status: 403, reason: 'cross-site' });
    }
  });

  it('answers nobody but the router', async () => {
    expect((await send(stage.port, questionPath(list))).status).to.equal(401);
    expect((await ask(list, {}, 'of-router')).status).to.equal(401);
    const signed = questionPath({ ...list, route: '/' });
    const signature = stage.signer.sign({
      ...{ receiver: 'of-auth', method: 'GET', path: signed, body: '' },
    });
    const headers = { 'x-cloud-signature': signature };
    expect((await send(stage.port, questionPath(list), { headers })).status).to.equal(401);
    const old = createSigner({ current: 'stage-secret' }, () => Date.now() - 120_000).sign({
      ...{ receiver: 'of-auth', method: 'GET', path: signed, body: '' },
    });
    const late = { headers: { 'x-cloud-signature': old } };
    expect((await send(stage.port, signed, late)).status).to.equal(401);
  });

  describe('about sessions', () => {
    const renewedBy = ({ decision }: { decision: Decision }) =>
      /^__Host-openfaas_cloud_token=([^;]+); Path=\/; Max-Age=(\d+); HttpOnly/.exec(
        (decision.allow && decision.setCookie) || '',
      );

    it('ends them after the idle time, and renews those in use until their lifetime ends', async () => {
      let token = await signedIn();
      now = start + 601_000;
      expect((await ask(list, { session: token })).decision).to.include({ reason: 'sign-in' });
      now = start;
      const fresh = await signedIn();
      token = fresh;
      let renewals = 0;
      for (now = start; now < start + 3_600_000; now += 350_000) {
        const answer = await ask(list, { session: token });
        expect(answer.decision.allow, String(now - start)).to.equal(true);
        const [, renewed, seconds] = renewedBy(answer) ?? [];
        if (renewed === undefined) continue;
        renewals += 1;
        expect(Number(seconds)).to.be.at.most(600);
        expect(now + Number(seconds) * 1000).to.be.at.most(start + 3_600_000);
        token = renewed;
      }
      expect(renewals).to.be.within(9, 11);
      now = start + 3_600_000;
      expect((await ask(list, { session: token })).decision).to.include({ reason: 'sign-in' });
    });

    it('does not renew one that is fresh', async () => {
      const token = await signedIn();
      now = start + 100_000;
      expect(renewedBy(await ask(list, { session: token }))).to.equal(null);
    });

    it('renews one for requests at the same time, and a sign-out ends whatever came of it', async () => {
      const token = await signedIn();
      now = start + 300_000;
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => ask(list, { session: token })),
      );
      const renewed = answers.map((answer) => renewedBy(answer)?.[1]);
      // Whichever the browser keeps, it stays signed in, and the one of before does not end at once.
      for (const each of [token, ...renewed]) {
        expect((await ask(list, { session: each })).decision.allow).to.equal(true);
      }
      await signOut(renewed[0], '');
      // An answer that was under way meanwhile brings nothing back.
      for (const each of [token, ...renewed]) {
        expect((await ask(list, { session: each })).decision.allow).to.equal(false);
      }
    });

    it('ends one at its sign-out, and those renewed from it', async () => {
      const token = await signedIn();
      const other = await signedIn();
      now = start + 300_000;
      const [, renewed] = renewedBy(await ask(list, { session: token })) ?? [];
      await signOut(token, '');
      for (const ended of [token, renewed]) {
        expect((await ask(list, { session: ended })).decision).to.include({ reason: 'sign-in' });
      }
      expect((await ask(list, { session: other })).decision.allow).to.equal(true);
    });

    it('ends all of a person at once, and survives a restart', async () => {
      const tokens = [await signedIn(), await signedIn()];
      now = start + 60_000;
      await signOut(tokens[0], 'everywhere=1');
      for (const token of tokens) {
        expect((await ask(list, { session: token })).decision).to.include({ reason: 'sign-in' });
      }
      const keys = [...store.objects.keys()].filter((key) => key.startsWith('auth/revoked/'));
      expect(keys).to.have.length(1);
      now = start + 70_000;
      expect((await ask(list, { session: await signedIn() })).decision.allow).to.equal(true);
    });

    it('lets nobody in while the store cannot say who was signed out', async () => {
      const token = await signedIn();
      store.list = () => Promise.reject(new Error('out'));
      const out = await ask(list, { session: token });
      expect(out.status).to.equal(500);
      expect(out.decision).to.not.have.property('allow');
      Object.assign(store, { list: createMemoryObjectStore().list });
    });

    const signOut = (token: string | undefined, body: string) =>
      send(stage.port, '/auth/logout', {
        method: 'POST',
        headers: {
          origin: 'https://system.example.com',
          cookie: `${session}=${token}`,
          'content-length': String(body.length),
        },
        body,
      });
  });

  describe('about API tokens', () => {
    it('takes them on the system host, as far as they go', async () => {
      const act = await tokenOf('act');
      const acts = await ask({ ...list, action: 'act', foreign: true }, { token: act });
      expect(acts.decision).to.deep.include({ allow: true });
      expect(acts.decision.allow && acts.decision.identity?.readOnly).to.equal(false);
      const read = await tokenOf('read');
      const reads = await ask(list, { token: read });
      expect(reads.decision.allow && reads.decision.identity?.readOnly).to.equal(true);
      const refused = await ask({ ...list, action: 'act' }, { token: read });
      expect(refused.decision).to.include({ status: 403, reason: 'read-only' });
    });

    it('takes none on a host of an owner, and no other', async () => {
      const token = await tokenOf('act');
      const owner = { name: 'alice', id: '7', scm: 'github' };
      const tenant = { ...list, route: '', host: 'alice.example.com', owner, protection: 'owner' };
      expect((await ask(tenant, { token })).decision).to.include({ reason: 'sign-in' });
      const changed = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A');
      for (const wrong of [changed, token.replace('github.7', 'github.8'), 'ofc_x', '']) {
        const { decision } = await ask(list, { token: wrong, session: await signedIn() });
        expect(decision, wrong).to.include({ reason: 'sign-in' }).and.not.have.property('signIn');
      }
    });

    it('takes them from customers only', async () => {
      const token = await tokenOf('act');
      customers.list.now = createPersonList(['bob']);
      expect((await ask(list, { token })).decision).to.include({ reason: 'not-customer' });
    });
  });

  describe('about operators', () => {
    it('marks them, and lets them in without being customers', async () => {
      const other = await buildAuthStage({
        customers: customersOf('bob').check,
        operators: ['id:github:7'],
        store,
      });
      const own = stage;
      stage = other;
      const { decision } = await ask(list, { session: await signedIn() });
      expect(decision.allow && decision.identity?.operator).to.equal(true);
      await own.close();
    });

    it('keeps their pages from everyone else', async () => {
      const doctor = { ...list, route: '/doctor', function: 'doctor' };
      const shown = [{ session: await signedIn() }, { token: await tokenOf('act') }];
      for (const each of shown) {
        const { decision } = await ask(doctor, each);
        expect(decision).to.include({ status: 403, reason: 'not-operator' });
      }
      expect((await ask(doctor)).decision).to.include({ reason: 'sign-in' });
    });
  });

  describe('about protected functions', () => {
    const question = (
      protection: string,
      owner: Partial<NonNullable<Question['owner']>> = {},
    ): Question => ({
      host: 'acme.example.com',
      route: '',
      function: 'acme-hello',
      owner: { name: 'acme', id: '70', scm: 'github', ...owner },
      protection,
      ...{ action: 'read', foreign: false },
    });
    /** The session as the owner's host knows it. */
    const tenantSession = async (host = 'acme.example.com') => {
      return handOver(stage, (await signedIn()) ?? '', host);
    };

    it('sends visitors to the sign-in of that host', async () => {
      const { decision } = await ask(question('members'));
      const signIn = '/.well-known/openfaas-cloud/sign-in';
      expect(decision).to.include({ status: 401, reason: 'sign-in', signIn });
    });

    const table: [protection: string, owner: object, role: 'admin' | 'member', allow: boolean][] = [
      ['customers', { name: 'zoe', id: '9' }, 'member', true],
      ['members', {}, 'member', true],
      ['members', { name: 'ACME' }, 'member', true],
      ['members', { id: '' }, 'member', true],
      ['members', { id: '71' }, 'admin', false],
      ['members', { scm: 'gitlab' }, 'admin', false],
      ['members', { name: 'alice', id: '7' }, 'member', true],
      ['members', { name: 'alice', id: '8' }, 'member', false],
      ['members', { name: 'zoe', id: '9' }, 'member', false],
      ['owner', {}, 'member', false],
      ['owner', {}, 'admin', true],
      ['owner', { name: 'alice', id: '7' }, 'member', true],
      ['nonsense', {}, 'member', false],
      ['nonsense', {}, 'admin', true],
    ];
    for (const [protection, owner, role, allow] of table) {
      it(`${allow ? 'opens' : 'closes'} "${protection}" of ${JSON.stringify(owner)} to ${role}s`, async () => {
        stage.provider['/api/user/memberships/orgs'] = reply([
          { organization: { id: 70, login: 'Acme' }, role },
        ]);
        const token = await tenantSession();
        const { decision } = await ask(question(protection, owner), { session: token });
        expect(decision.allow).to.equal(allow);
        if (!decision.allow) expect(decision).to.include({ status: 403, reason: 'not-member' });
      });
    }

    it('renews the session of that host, for that host', async () => {
      const token = await tenantSession();
      now = start + 300_000;
      const { decision } = await ask(question('members'), { session: token });
      const renewed = (decision.allow && decision.setCookie) || '';
      expect(renewed).to.match(/^__Host-ofc_session=[^;]+; Path=\/; Max-Age=600; HttpOnly/);
      const [, value] = /=([^;]+)/.exec(renewed) ?? [];
      now = start + 700_000;
      expect((await ask(question('members'), { session: token })).decision.allow).to.equal(false);
      expect((await ask(question('members'), { session: value })).decision.allow).to.equal(true);
      expect((await ask(list, { session: value })).decision.allow).to.equal(false);
    });

    it('takes the session of that host only', async () => {
      const ofSystem = await signedIn();
      const ofAcme = await tenantSession();
      const ofBob = await tenantSession('bob.example.com');
      const reason = async (asked: Question, token: string | undefined) => {
        const { decision } = await ask(asked, { session: token });
        return decision.allow ? 'allow' : decision.reason;
      };
      expect(await reason(question('members'), ofAcme)).to.equal('allow');
      expect(await reason(question('members'), ofSystem)).to.equal('sign-in');
      expect(await reason(question('members'), ofBob)).to.equal('sign-in');
      expect(await reason(list, ofAcme)).to.equal('sign-in');
    });
  });
});
