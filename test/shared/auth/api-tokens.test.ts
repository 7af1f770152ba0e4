import { expect } from 'chai';
import { createApiTokens, maxTokenDays, readApiToken, staleDays } from '#shared/auth/api-tokens.ts';
import { createPeople } from '#shared/auth/people.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';

const alice = { provider: 'github', id: '7', login: 'alice', groups: [] };
const subject = 'github:7';
const dayMs = 86_400_000;

async function setUp() {
  let now = 1_800_000_000_000;
  const clock = () => now;
  const store = createMemoryObjectStore();
  const people = createPeople(store, clock);
  await people.save(alice);
  const tokens = createApiTokens(store, people, { now: clock });
  const make = (name = 'ci') => tokens.create(subject, { name, scope: 'read', lifetimeDays: 90 });
  const pass = (ms: number) => {
    now += ms;
  };
  return { store, people, tokens, make, pass, clock };
}

describe('createApiTokens', () => {
  it('lists tokens of one person, newest first, without what they are', async () => {
    const { tokens, make, pass } = await setUp();
    const first = await make('first');
    pass(1000);
    const second = await make('  second ');
    await tokens.create('github:8', { name: 'other', scope: 'act', lifetimeDays: 1 });
    const list = await tokens.list(subject);
    expect(list).to.deep.equal([second.info, first.info]);
    expect(list[0]).to.include({ name: 'second', scope: 'read' });
    expect(JSON.stringify(list)).to.not.contain(first.token.split('.')[2]);
  });

  it('revokes a token of that person, at once where it was asked for and soon elsewhere', async () => {
    const { store, people, tokens, make, pass, clock } = await setUp();
    const { token, info } = await make();
    const replica = createApiTokens(store, people, { now: clock, cacheMs: 5000 });
    expect(await replica.verify(token)).to.include({ scope: 'read' });
    expect(await tokens.revoke('github:8', info.id)).to.equal(false);
    expect(await tokens.verify(token)).to.not.equal(undefined);
    expect(await tokens.revoke(subject, info.id)).to.equal(true);
    expect(await tokens.verify(token)).to.equal(undefined);
    expect(await replica.verify(token)).to.not.equal(undefined);
    pass(5001);
    expect(await replica.verify(token)).to.equal(undefined);
    expect(await tokens.revoke(subject, info.id)).to.equal(false);
    expect(await tokens.list(subject)).to.deep.equal([]);
  });

  it('cannot be led to another record by an id', async () => {
    const { store, tokens, make } = await setUp();
    await make();
    const before = [...store.objects.keys()];
    for (const id of ['', '.', '..', '../github%3A7/x', 'a/../../people', '%2e%2e', '*']) {
      const revoked = await tokens.revoke(subject, id).catch(() => false);
      expect(revoked, id).to.equal(false);
    }
    expect([...store.objects.keys()]).to.deep.equal(before);
  });

  it('ends a token at its time, and while its person has not signed in for long', async () => {
    const { people, tokens, make, pass } = await setUp();
    const { token } = await make();
    pass(staleDays * dayMs + 1000);
    expect(await tokens.verify(token)).to.equal(undefined);
    await people.save(alice);
    expect((await tokens.verify(token))?.person.login).to.equal('alice');
    pass(59 * dayMs);
    await people.save(alice);
    pass(dayMs);
    expect(await tokens.verify(token)).to.equal(undefined);
  });

  it('keeps digests only', async () => {
    const { store, make } = await setUp();
    const { token } = await make();
    const secret = token.split('.')[2] ?? '';
    for (const [key, bytes] of store.objects) {
      expect(key + bytes.toString()).to.not.contain(secret);
    }
  });

  it('refuses odd wishes, and the 51st', async () => {
    const { tokens, make } = await setUp();
    const create = (name: string, lifetimeDays: number) =>
      tokens.create(subject, { name, scope: 'act', lifetimeDays });
    for (const name of ['', '  ', 'a\nb', 'x'.repeat(101)]) {
      await expectCode(create(name, 1), 'OFC_BAD_REQUEST');
    }
    for (const days of [0, 0.5, maxTokenDays + 1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expectCode(create('x', days), 'OFC_BAD_REQUEST');
    }
    for (let i = 0; i < 50; i++) await make(`token ${i}`);
    await expectCode(make(), 'OFC_BUSY');
  });

  it('takes nothing else for a token', async () => {
    const { tokens, make } = await setUp();
    const { token } = await make();
    const changed = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A');
    for (const text of [
      '',
      'ofc_',
      changed,
      `${token}x`,
      token.replace('.7.', '.8.'),
      ` ${token}`,
    ]) {
      expect(await tokens.verify(text), text).to.equal(undefined);
    }
    expect(readApiToken(`bearer  ${token}`)).to.equal(token);
    for (const header of [
      undefined,
      '',
      token,
      `Basic ${token}`,
      `Bearer ${token} x`,
      'Bearer ghp_x',
    ]) {
      expect(readApiToken(header), header).to.equal(undefined);
    }
  });
});
