import { expect } from 'chai';
import { createLanes } from '../../../local/queue/lanes.ts';

describe('queue lanes', () => {
  it('takes from the lanes in turn, each in its order', () => {
    const lanes = createLanes({ total: 9, perLane: 9 });
    for (const id of ['a1', 'a2', 'a3', 'b1']) lanes.add(id.slice(0, 1), id);
    const order = Array.from({ length: 5 }, () => lanes.take()?.id);
    expect(order).to.deep.equal(['a1', 'b1', 'a2', 'a3', undefined]);
  });

  it('keeps to its limits', () => {
    const lanes = createLanes({ total: 3, perLane: 2 });
    for (const id of ['a1', 'a2', 'a3', 'b1', 'b2']) lanes.add(id.slice(0, 1), id);
    expect([lanes.take()?.id, lanes.take()?.id, lanes.take()?.id]).to.deep.equal([
      'a1',
      'b1',
      'a2',
    ]);
    expect(lanes.take()).to.equal(undefined);
    lanes.done('b');
    expect(lanes.take()?.id).to.equal('b2');
    lanes.done('a');
    expect([lanes.take()?.id, lanes.take()]).to.deep.equal(['a3', undefined]);
  });

  it('lets a full lane not hold up another', () => {
    const lanes = createLanes({ total: 9, perLane: 1 });
    for (const id of ['a1', 'a2', 'b1']) lanes.add(id.slice(0, 1), id);
    expect([lanes.take()?.id, lanes.take()?.id, lanes.take()]).to.deep.equal([
      'a1',
      'b1',
      undefined,
    ]);
    expect([lanes.waiting(), lanes.running()]).to.deep.equal([1, 2]);
  });

  it('has an entry once', () => {
    const lanes = createLanes({ total: 9, perLane: 9 });
    lanes.add('a', '1');
    lanes.add('a', '1');
    expect([lanes.take()?.id, lanes.take()]).to.deep.equal(['1', undefined]);
  });
});
