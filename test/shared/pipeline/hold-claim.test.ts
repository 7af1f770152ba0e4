import { expect } from 'chai';
import { refOf } from '#shared/pipeline/deployment.ts';
import { holdClaim } from '#shared/pipeline/hold-claim.ts';
import { createRecords, type Records } from '#shared/pipeline/records.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';

const ref = refOf(testPush());
const limits = { maxAttempts: 3, leaseMs: 900_000 };

describe('work under a claim', () => {
  let time: number;
  let records: Records;
  let other: Records;

  beforeEach(() => {
    time = 1_700_000_000_000;
    const store = createMemoryObjectStore();
    records = createRecords(store, () => time);
    other = createRecords(store, () => time);
  });

  const hold = (handsOver: boolean, work: () => Promise<void>) =>
    holdClaim(records, ref, 'plan', limits, handsOver, work);
  const claimed = () => other.claim(ref, 'plan', { leaseMs: 1, maxAttempts: limits.maxAttempts });

  it('is done by nobody else meanwhile', async () => {
    let ran = 0;
    const result = await hold(false, async () => {
      ran += 1;
      expect(await claimed()).to.equal('held');
      expect(
        await holdClaim(other, ref, 'plan', limits, false, async () => {
          ran += 1;
        }),
      ).to.equal('held');
    });
    expect([result, ran]).to.deep.equal(['won', 1]);
  });

  it('can be taken over seconds after its holder died', async () => {
    await hold(false, async () => undefined);
    time += 9999;
    expect(await claimed()).to.equal('held');
    time += 1;
    expect(await claimed()).to.equal('won');
  });

  it('that goes on elsewhere is theirs for the whole lease', async () => {
    await hold(true, async () => undefined);
    time += limits.leaseMs - 1;
    expect(await claimed()).to.equal('held');
    time += 1;
    expect(await claimed()).to.equal('won');
  });

  it('that failed can be done again at once, until it was tried too often', async () => {
    for (let attempt = 0; attempt < limits.maxAttempts; attempt += 1) {
      let thrown: unknown;
      await hold(true, () => Promise.reject(new Error('no'))).catch((error: unknown) => {
        thrown = error;
      });
      expect(thrown).to.be.instanceOf(Error).with.property('message', 'no');
    }
    expect(await hold(true, () => Promise.reject(new Error('not called')))).to.equal('exhausted');
  });
});
