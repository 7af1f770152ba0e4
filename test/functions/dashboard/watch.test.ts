import { expect } from 'chai';
import { parseOwner } from '#shared/names.ts';
import { createRecords, type Records } from '#shared/pipeline/records.ts';
import { createWatch, type Topic, type Watch } from '../../../functions/dashboard/watch.ts';
import { eventually } from '../../helpers/eventually.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';

const [alice, bob] = [parseOwner('alice'), parseOwner('bob')];

describe('watching for changes', () => {
  let store: ReturnType<typeof createMemoryObjectStore>;
  let records: Records;
  let watch: Watch;
  let functions: string;
  let looks: number;
  let stops: (() => void)[];

  beforeEach(() => {
    store = createMemoryObjectStore();
    records = createRecords(store);
    functions = '';
    looks = 0;
    stops = [];
    const functionsOf = async () => {
      looks += 1;
      return functions;
    };
    watch = createWatch({ store, records, functionsOf, everyMs: 5, perPerson: 2, inAll: 3 });
  });
  afterEach(() => {
    for (const stop of stops) stop();
  });

  const follow = (owner = alice, person = 'github:1') => {
    const changes: Topic[] = [];
    stops.push(watch.follow(owner, person, (topic) => changes.push(topic)));
    return changes;
  };
  const looked = async () => {
    const before = looks;
    await eventually(() => expect(looks).to.be.above(before + 1));
  };

  it('tells of a push, of its steps and of its end, to who looks at that owner', async () => {
    const [mine, others] = [follow(), follow(bob, 'github:2')];
    await looked();
    expect(mine).to.deep.equal([]);
    const push = testPush();
    await records.begin(push);
    await eventually(() => expect(mine).to.deep.equal(['deployments']));
    await records.recordPlan(push, { outcome: 'planned', functions: [], warnings: [], at: 1 });
    await eventually(() => expect(mine).to.have.length(2));
    await records.close(push, { state: 'live', text: '', at: 1 });
    await eventually(() => expect(mine).to.have.length(3));
    await records.settle(push);
    await eventually(() => expect(mine).to.have.length(4));
    expect(others).to.deep.equal([]);
  });

  it('tells when other functions run', async () => {
    const changes = follow();
    await looked();
    functions = 'one more';
    await eventually(() => expect(changes).to.deep.equal(['functions']));
  });

  it('looks at nothing while nobody follows', async () => {
    follow();
    await looked();
    for (const stop of stops) stop();
    // As long as another one takes for some looks, and the one that was under way.
    let others = 0;
    const functionsOf = async () => `${others++}`;
    const other = createWatch({ store, records, functionsOf, everyMs: 5 });
    stops.push(other.follow(alice, 'github:9', () => undefined));
    await eventually(() => expect(others).to.be.above(1));
    const before = looks;
    await eventually(() => expect(others).to.be.above(5));
    expect(looks).to.equal(before);
    const changes = follow();
    await looked();
    expect(changes).to.deep.equal([]);
  });

  it('lets each person have a few pages open, and all together some', async () => {
    follow();
    follow();
    await expectCode(() => follow(), 'OFC_BUSY');
    follow(bob, 'github:2');
    await expectCode(() => follow(bob, 'github:3'), 'OFC_BUSY');
    stops.pop()?.();
    follow(bob, 'github:3');
  });
});
