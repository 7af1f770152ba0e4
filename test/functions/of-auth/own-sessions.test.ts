import { expect } from 'chai';
import type { Decision } from '#shared/auth/decision.ts';
import { questionPath } from '#shared/auth/decision.ts';
import type { SessionInfo } from '#shared/auth/session-records.ts';
import { type Identity, identityHeader, signIdentity } from '#shared/messages/identity.ts';
import { signatureHeader } from '#shared/messages/signature.ts';
import { send } from '../../helpers/http-client.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { testIdentity } from '../../helpers/signed-request.ts';
import { type AuthStage, buildAuthStage, cookiesOf, handOver, startLogin } from './stage.ts';

const cookieName = '__Host-openfaas_cloud_token';
const alice = { subject: 'github:7', id: '7', login: 'Alice' };
const mallory = { subject: 'github:8', id: '8', login: 'mallory' };

describe("of-auth's list of a person's sessions", () => {
  const start = 1_800_000_000_000;
  let stage: AuthStage;
  let now: number;
  const store = createMemoryObjectStore();
  beforeEach(async () => {
    now = start;
    store.objects.clear();
    stage = await buildAuthStage({
      idleSeconds: 600,
      lifetimeSeconds: 3600,
      store,
      now: () => now,
    });
  });
  afterEach(() => stage.close());

  const signIn = async (userAgent: string): Promise<string> => {
    const { cookie, state } = await startLogin(stage);
    const headers = { cookie, 'user-agent': userAgent };
    const path = `/auth/callback?code=good&state=${state}`;
    return cookiesOf(await send(stage.port, path, { headers }))[cookieName] ?? '';
  };
  const decide = async (shown: string, host = 'system.example.com'): Promise<Decision> => {
    const path = questionPath(
      host === 'system.example.com'
        ? { host, route: '/dashboard/', function: 'dashboard', action: 'read', foreign: false }
        : {
            ...{ host, route: '', function: 'alice-hello', action: 'read', foreign: false },
            ...{ owner: { name: 'alice', id: '', scm: 'github' }, protection: 'members' },
          },
    );
    const parts = { receiver: 'of-auth', method: 'GET', path, body: '' };
    const headers = { [signatureHeader]: stage.signer.sign(parts), 'x-cloud-session': shown };
    return JSON.parse((await send(stage.port, path, { headers })).body) as Decision;
  };
  const idOf = async (shown: string): Promise<string> => {
    const decision = await decide(shown);
    return (decision.allow && decision.identity?.session) || '';
  };
  const call = (
    method: 'GET' | 'POST',
    path: string,
    who: Partial<Identity> = alice,
    { receiver = 'of-auth', signedFor = path } = {},
  ) => {
    const signed = signIdentity(stage.signer, receiver, signedFor, testIdentity(who));
    const headers = { [identityHeader]: signed.identity, [signatureHeader]: signed.signature };
    return send(stage.port, path, { method, headers });
  };
  const list = async (who: Partial<Identity> = alice): Promise<SessionInfo[]> => {
    const answer = await call('GET', '/q/sessions', who);
    expect(answer.status, answer.body).to.equal(200);
    return JSON.parse(answer.body).sessions;
  };

  it('says with what, since when and until when each was used, newest first', async () => {
    const first = await signIn('Firefox/140');
    now += 10_000;
    await signIn(`Odd\tone${'x'.repeat(1000)}`);
    const [newest, oldest] = await list();
    expect(oldest).to.deep.equal({
      id: await idOf(first),
      userAgent: 'Firefox/140',
      startedAt: start / 1000,
      seenAt: start / 1000,
    });
    expect(newest?.userAgent).to.equal(`Oddone${'x'.repeat(294)}`);
    now += 200_000;
    expect(await decide(first)).to.have.property('setCookie');
    expect((await list())[1]).to.deep.include({ seenAt: now / 1000, userAgent: 'Firefox/140' });
    // The one that nobody used has ended, the other goes on.
    now += 500_000;
    expect((await list()).map(({ id }) => id)).to.deep.equal([oldest?.id]);
    expect(await list(mallory)).to.deep.equal([]);
  });

  it('ends one of them, wherever it was handed over to', async () => {
    const [one, other] = [await signIn('one'), await signIn('other')];
    const there = await handOver(stage, one, 'alice.example.com');
    expect(await decide(there, 'alice.example.com')).to.include({ allow: true });
    const path = `/q/sessions/end?id=${await idOf(one)}`;
    expect((await call('POST', path)).status).to.equal(200);
    expect(await decide(one)).to.include({ reason: 'sign-in' });
    expect(await decide(there, 'alice.example.com')).to.include({ reason: 'sign-in' });
    expect(await decide(other)).to.include({ allow: true });
    expect((await list()).map(({ userAgent }) => userAgent)).to.deep.equal(['other']);
    expect((await call('POST', path)).status).to.equal(404);
  });

  it('ends all but the one in which that was asked', async () => {
    const [here, there] = [await signIn('here'), await signIn('there')];
    // Of the time before there were records: not on the list, and ended all the same.
    for (const key of store.objects.keys()) {
      if (key.includes('auth/sessions/') && key.includes(await idOf(there))) {
        store.objects.delete(key);
      }
    }
    const session = await idOf(here);
    const ended = await call('POST', '/q/sessions/end-others', { ...alice, session });
    expect(ended.status).to.equal(200);
    expect(await decide(here)).to.include({ allow: true });
    expect(await decide(there)).to.include({ reason: 'sign-in' });
    expect((await list()).map(({ id }) => id)).to.deep.equal([session]);
    expect((await call('POST', '/q/sessions/end-others')).status).to.equal(400);
  });

  it("never ends, or shows, another person's", async () => {
    const shown = await signIn('mine');
    const id = await idOf(shown);
    const odd = [
      id,
      '',
      '..',
      `../github~3A7/${id}`,
      id.slice(0, -1),
      `${id}.json`,
      '%2e',
      'all-9',
    ];
    for (const given of odd) {
      const path = `/q/sessions/end?id=${encodeURIComponent(given)}`;
      expect((await call('POST', path, mallory)).status, given).to.equal(404);
      if (given !== id) expect((await call('POST', path)).status, given).to.equal(404);
    }
    // Somebody else's session as the one to keep ends only one's own.
    await call('POST', '/q/sessions/end-others', { ...mallory, session: id });
    // The same number at another provider is somebody else.
    const namesake = { subject: 'gitlab:7', provider: 'gitlab', id: '7', login: 'Alice' };
    expect((await call('POST', `/q/sessions/end?id=${id}`, namesake)).status).to.equal(404);
    await call('POST', '/q/sessions/end-others', { ...namesake, session: 'x' });
    expect(await decide(shown)).to.include({ allow: true });
    expect(await list()).to.have.length(1);
  });

  it('listens to nothing that is not signed for it', async () => {
    const shown = await signIn('mine');
    const path = `/q/sessions/end?id=${await idOf(shown)}`;
    const bare = await send(stage.port, path, {
      method: 'POST',
      headers: { cookie: `${cookieName}=${shown}`, origin: 'https://system.example.com' },
    });
    expect(bare.status).to.equal(401);
    expect((await send(stage.port, '/q/sessions')).status).to.equal(401);
    const forged: [Partial<Identity>, object][] = [
      [alice, { receiver: 'dashboard' }],
      [alice, { signedFor: '/q/sessions' }],
      [alice, { signedFor: '/q/sessions/end?id=x' }],
    ];
    for (const [who, how] of forged) {
      expect((await call('POST', path, who, how)).status, JSON.stringify(how)).to.equal(401);
    }
    for (const [method, at] of [
      ['GET', '/q/sessions'],
      ['POST', path],
      ['POST', '/q/sessions/end-others'],
    ] as const) {
      expect((await call(method, at, { ...alice, byToken: true })).status, at).to.equal(403);
    }
    expect((await call('GET', path)).status).to.equal(404);
    expect(await decide(shown)).to.include({ allow: true });
  });

  it('keeps no records of what ended long ago', async () => {
    await signIn('old');
    now += 3_601_000;
    await signIn('new');
    const kept = [...store.objects.keys()].filter((key) => key.startsWith('auth/sessions/'));
    expect(kept).to.have.length(1);
  });
});
