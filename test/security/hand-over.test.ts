import { expect } from 'chai';
import { createFleetingRecords } from '#shared/auth/fleeting.ts';
import { createHandOver } from '#shared/auth/hand-over.ts';
import type { Session } from '#shared/auth/session.ts';
import { createTokenKeys } from '#shared/auth/token.ts';
import { es256Pair } from '../helpers/es256-pair.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { createMemoryObjectStore } from '../helpers/memory-object-store.ts';

const system = 'system.example.com';
const alice = 'alice.example.com';
const session: Session = {
  id: 's',
  person: { provider: 'github', id: '7', login: 'alice', groups: [] },
  host: system,
  startedAt: 1_800_000_000,
  issuedAt: 1_800_000_000,
  expiresAt: 1_800_003_600,
};

describe('the hand-over of a session to another host', () => {
  const pair = es256Pair();
  const store = createMemoryObjectStore();
  let now = session.startedAt * 1000;
  const clock = () => now;
  const keys = createTokenKeys(pair, clock);
  /** Each is a replica of its own. */
  const replica = () => createHandOver(keys, system, createFleetingRecords(store, clock), clock);
  const handOver = replica();
  const begin = async (host = alice) => {
    const { cookie, request } = handOver.begin(host, '/hello');
    return { cookie, request, ...(await handOver.grant(request, session)) };
  };
  const refused = (...given: Parameters<typeof handOver.redeem>) =>
    expectCode(handOver.redeem(...given), 'OFC_UNAUTHENTICATED');
  beforeEach(() => {
    now = session.startedAt * 1000;
  });

  it('gives the session to the browser and host that began it', async () => {
    const { cookie, code, host } = await begin();
    expect(host).to.equal(alice);
    const redeemed = await replica().redeem(alice, cookie, code);
    expect(redeemed).to.deep.equal({ session, returnPath: '/hello' });
  });

  it('does so once, whichever replica is asked', async () => {
    const { cookie, code } = await begin();
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, () => replica().redeem(alice, cookie, code)),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
    await refused(alice, cookie, code);
  });

  it('refuses another browser, another host, a late or a made-up code', async () => {
    const own = await begin();
    const other = await begin();
    await refused(alice, undefined, own.code);
    await refused(alice, 'x.y.z', own.code);
    await refused(alice, other.cookie, own.code);
    const third = await begin();
    await refused('bob.example.com', third.cookie, third.code);
    await refused(alice, third.cookie, third.code.replace(/^\d+/, '9999999999'));
    await refused(alice, third.cookie, '');
    now += 60_000;
    await refused(alice, third.cookie, third.code);
  });

  it('takes no request that it did not make', async () => {
    const { cookie } = handOver.begin(alice, '/');
    const foreign = createHandOver(
      createTokenKeys(es256Pair(), clock),
      ...([system, createFleetingRecords(store, clock), clock] as const),
    );
    for (const request of ['', cookie, foreign.begin('evil.org', '/').request]) {
      await expectCode(handOver.grant(request, session), 'OFC_UNAUTHENTICATED');
    }
  });

  it('keeps no code in the store', async () => {
    const { code } = await begin();
    const stored = [...store.objects].map(([key, value]) => key + value.toString()).join();
    expect(stored).to.not.contain(code.split('.')[1]);
  });
});
