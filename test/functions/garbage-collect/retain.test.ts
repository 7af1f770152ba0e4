import { expect } from 'chai';
import { type Retention, retain } from '../../../functions/garbage-collect/retain.ts';
import {
  createMemoryObjectStore,
  type MemoryObjectStore,
} from '../../helpers/memory-object-store.ts';

const day = 24 * 60 * 60_000;
const today = 20_000 * day;
const retention: Retention = { auditDays: 365, deliveryDays: 30, logDays: 90 };

describe('what is kept', () => {
  let store: MemoryObjectStore;
  let time: number;

  beforeEach(() => {
    store = createMemoryObjectStore(() => time);
  });
  const write = async (age: number, ...keys: string[]) => {
    time = today - age * day;
    for (const key of keys) await store.put(key, 'x');
  };
  const run = (now: number, kept = retention) => {
    time = now;
    return retain(store, kept, now);
  };
  const left = () => [...store.objects.keys()].filter((key) => !key.startsWith('sweeps/ret'));

  it('goes when its days are over, each kind by its own', async () => {
    await write(366, 'audit/old/1.json', 'deployments/alice/hello/1/closed.json');
    await write(91, 'logs/alice/hello/a/fn/build.log', 'heads/alice/hello/main/1');
    await write(31, 'deliveries/github/old/001', 'contexts/alice/a.json');
    await write(29, 'deliveries/github/new/001');
    await write(89, 'logs/alice/hello/b/fn/build.log');
    await write(364, 'audit/new/1.json');
    expect(await run(today)).to.equal(3);
    expect(left().sort()).to.deep.equal([
      'audit/new/1.json',
      'contexts/alice/a.json',
      'deliveries/github/new/001',
      'deployments/alice/hello/1/closed.json',
      'heads/alice/hello/main/1',
      'logs/alice/hello/b/fn/build.log',
    ]);
  });

  it('stays for ever where the operator says 0', async () => {
    await write(9999, 'audit/a', 'deliveries/a', 'logs/a');
    const forEver = { auditDays: 0, deliveryDays: 0, logDays: 0 };
    expect(await run(today, forEver)).to.equal(0);
    expect(left()).to.have.length(3);
  });

  it('is looked through once an hour, whoever asks, and many a go in several runs', async () => {
    const keys = Array.from({ length: 2500 }, (_, index) => `deliveries/${index}`);
    await write(31, ...keys);
    const runs = await Promise.all([1, 2, 3].map(() => run(today)));
    expect(runs.sort()).to.deep.equal([0, 0, 2000]);
    expect(await run(today + 59 * 60_000)).to.equal(0);
    expect(await run(today + 60 * 60_000)).to.equal(500);
    expect(left()).to.deep.equal([]);
    expect(store.objects.size).to.equal(1);
  });
});
