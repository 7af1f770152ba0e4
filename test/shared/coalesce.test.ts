import { expect } from 'chai';
import { coalesce } from '#shared/coalesce.ts';
import { eventually } from '../helpers/eventually.ts';

describe('coalesce', () => {
  it('runs once for all who call while a run is under way, and after they called', async () => {
    let state = 0;
    const seen: number[] = [];
    const gates: (() => void)[] = [];
    const call = coalesce(async () => {
      seen.push(state);
      await new Promise<void>((open) => gates.push(open));
      return seen.length;
    }, 0);
    const first = call('a');
    state = 1;
    const others = [call('a'), call('a'), call('a')];
    gates[0]?.();
    expect(await first).to.equal(1);
    await eventually(() => expect(gates).to.have.length(2));
    gates[1]?.();
    expect(await Promise.all(others)).to.deep.equal([2, 2, 2]);
    expect(seen).to.deep.equal([0, 1]);
  });

  it('keeps an interval between two runs of a key, and none between keys', async () => {
    const begun: [string, number][] = [];
    const call = coalesce(async (key) => begun.push([key, performance.now()]), 60);
    await Promise.all([call('a'), call('a'), call('b')]);
    expect(begun.map(([key]) => key)).to.deep.equal(['a', 'b', 'a']);
    const times = begun.filter(([key]) => key === 'a').map(([, time]) => time);
    expect((times[1] ?? 0) - (times[0] ?? 0)).to.be.at.least(55);
  });

  it('goes on after a failure, which only its own callers see', async () => {
    let runs = 0;
    const call = coalesce(async () => {
      runs += 1;
      if (runs === 1) throw new Error('once');
      return runs;
    }, 0);
    const results = await Promise.allSettled([call('a'), call('a')]);
    expect(results.map(({ status }) => status)).to.deep.equal(['rejected', 'fulfilled']);
  });
});
