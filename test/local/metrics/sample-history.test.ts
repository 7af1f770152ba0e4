import { expect } from 'chai';
import { createSampleHistory, increaseOf } from '../../../local/metrics/sample-history.ts';

const hour = 3_600_000;
const day = 24 * hour;
const one = (value: number) => [{ name: 'calls', labels: { code: '200' }, value }];

describe('the history of counters', () => {
  const series = (history: ReturnType<typeof createSampleHistory>) => {
    const [first] = [...history.series('calls')];
    if (first === undefined) throw new Error('no series');
    return first;
  };

  it('tells by how much a counter grew between two times', () => {
    const history = createSampleHistory([], 0);
    history.record(one(2), 1000);
    history.record(one(2), 2000);
    history.record(one(7), 3000);
    const calls = series(history);
    expect(increaseOf(calls, 0, 5000)).to.equal(7);
    expect(increaseOf(calls, 1000, 5000)).to.equal(5);
    expect(increaseOf(calls, 3000, 5000)).to.equal(0);
    expect(increaseOf(calls, 0, 999)).to.equal(0);
    expect(increaseOf(calls, 1000, 2999)).to.equal(0);
  });

  it('keeps changes only', () => {
    const history = createSampleHistory([], 0);
    for (let at = 0; at < 100; at++) history.record(one(at < 50 ? 1 : 2), at);
    expect(series(history).times).to.deep.equal([0, 50]);
  });

  it('goes on after a restart, when counters begin anew', () => {
    const before = createSampleHistory([], 0);
    before.record(one(10), 1000);
    const after = createSampleHistory(before.snapshot(), 2000);
    after.record(one(12), 3000);
    expect(increaseOf(series(after), 0, 4000)).to.equal(22);
    expect(increaseOf(series(after), 1500, 4000)).to.equal(12);
  });

  it('thins what is old, loses no count, and forgets in the end', () => {
    const history = createSampleHistory([], 0);
    let value = 0;
    for (let at = 0; at < 10 * day; at += 10_000) history.record(one(++value), at);
    const calls = series(history);
    const now = 10 * day;
    expect(calls.times.length).to.be.below(5000);
    expect(calls.times[0] ?? 0).to.be.within(now - 8 * day - 2 * hour, now - 7 * day);
    // Within the tiers' grain what is counted is exact.
    expect(increaseOf(calls, now - day / 2, now)).to.equal(day / 2 / 10_000);
    const last = increaseOf(calls, now - 10 * 60_000, now);
    expect(last).to.be.within(58, 60);
  });
});
