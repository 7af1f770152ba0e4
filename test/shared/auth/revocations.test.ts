import { expect } from 'chai';
import { createRevocations } from '#shared/auth/revocations.ts';
import { keyPart } from '#shared/object-store/keys.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';

const lifetimeSeconds = 3600;
const session = (sessionId: string, startedAt: number, subject = 'github:7') => ({
  subject,
  sessionId,
  startedAt,
});

describe('createRevocations', () => {
  let now: number;
  let store: ReturnType<typeof createMemoryObjectStore>;
  const create = () => createRevocations(store, { lifetimeSeconds, now: () => now });
  beforeEach(() => {
    now = 1_800_000_000_000;
    store = createMemoryObjectStore();
  });
  const seconds = () => now / 1000;

  it('ends one session of one person', async () => {
    const revocations = create();
    await revocations.revoke(session('a', seconds()));
    expect(await revocations.isRevoked(session('a', seconds()))).to.equal(true);
    expect(await revocations.isRevoked(session('b', seconds()))).to.equal(false);
    expect(await revocations.isRevoked(session('a', seconds(), 'github:8'))).to.equal(false);
  });

  it('ends all that began until now, and none that begins later', async () => {
    const revocations = create();
    await revocations.revokeAll('github:7');
    expect(await revocations.isRevoked(session('a', seconds() - 10))).to.equal(true);
    now += 2000;
    expect(await revocations.isRevoked(session('b', seconds()))).to.equal(false);
  });

  it('ends all but one, and another time that one too', async () => {
    const revocations = create();
    const isRevoked = (id: string, startedAt = seconds()) =>
      revocations.isRevoked(session(id, startedAt));
    await revocations.revokeAll('github:7', 'kept');
    expect(await isRevoked('kept')).to.equal(false);
    for (const id of ['other', 'kep', 'kept2', 'but-kept', '']) {
      expect(await isRevoked(id), id).to.equal(true);
    }
    await revocations.revokeAll('github:7', 'other');
    expect(await isRevoked('kept')).to.equal(true);
  });

  it('is noticed by another replica within its time, and outlives a restart', async () => {
    const other = create();
    const began = seconds();
    expect(await other.isRevoked(session('a', began))).to.equal(false);
    await create().revoke(session('a', began));
    expect(await other.isRevoked(session('a', began))).to.equal(false);
    now += 5001;
    expect(await other.isRevoked(session('a', began))).to.equal(true);
    expect(await create().isRevoked(session('a', began))).to.equal(true);
  });

  it('forgets what no session can live any longer', async () => {
    const revocations = create();
    await revocations.revoke(session('a', seconds()));
    now += (lifetimeSeconds + 1) * 1000;
    await revocations.revoke(session('b', seconds()));
    expect([...store.objects.keys()].filter((key) => key.includes('-a'))).to.deep.equal([]);
    expect(await revocations.isRevoked(session('b', seconds()))).to.equal(true);
  });

  it('takes a session for ended if there are more entries than it reads', async () => {
    for (let i = 0; i < 1000; i++) {
      const name = `${String(seconds() + 1).padStart(12, '0')}-${i}`;
      await store.create(`auth/revoked/${keyPart('github:7')}/${name}`, '{}');
    }
    const revocations = create();
    expect(await revocations.isRevoked(session('on none of them', seconds() - 1))).to.equal(true);
    expect(await revocations.isRevoked(session('a', seconds() - 1, 'github:8'))).to.equal(false);
  });

  it('says nothing if the store does not answer', async () => {
    const broken = createRevocations(
      { ...store, list: () => Promise.reject(new Error('out')) },
      { lifetimeSeconds },
    );
    const asked = await broken.isRevoked(session('a', 0)).catch((error: Error) => error.message);
    expect(asked).to.equal('out');
  });
});
