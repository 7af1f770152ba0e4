import { expect } from 'chai';
import * as v from 'valibot';
import { createFleetingRecords } from '#shared/auth/fleeting.ts';
import { eventually } from '../../helpers/eventually.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';

const schema = v.object({ a: v.number() });

describe('createFleetingRecords', () => {
  it('what may happen once happens once, among all who share a store', async () => {
    const store = createMemoryObjectStore();
    const [one, two] = [
      createFleetingRecords(store, () => 0),
      createFleetingRecords(store, () => 0),
    ];
    const asked = await Promise.all(
      Array.from({ length: 10 }, (_, i) => (i % 2 ? one : two).once('login', 'state', 60)),
    );
    expect(asked.filter(Boolean)).to.have.length(1);
    expect(await one.once('login', 'other', 60)).to.equal(true);
    expect(await one.once('hand-over', 'state', 60)).to.equal(true);
  });

  it('nothing happens after its time', async () => {
    const records = createFleetingRecords(createMemoryObjectStore(), () => 60_000);
    expect(await records.once('login', 'state', 60)).to.equal(false);
    await records.put('hand-over', 'code', 60, { a: 1 });
    expect(await records.take('hand-over', 'code', 60, schema)).to.equal(undefined);
  });

  it('gives a value to the first who asks, and keeps no id', async () => {
    const store = createMemoryObjectStore();
    const records = createFleetingRecords(store, () => 0);
    await records.put('hand-over', 'secret code', 60, { a: 1 });
    expect([...store.objects].join()).to.not.contain('secret code');
    const taken = await Promise.all(
      Array.from({ length: 5 }, () => records.take('hand-over', 'secret code', 60, schema)),
    );
    expect(taken.filter((value) => value !== undefined)).to.deep.equal([{ a: 1 }]);
    expect(await records.take('hand-over', 'secret code', 60, schema)).to.equal(undefined);
    expect(await records.take('hand-over', 'unknown', 60, schema)).to.equal(undefined);
  });

  it('removes what is over, and nothing else', async () => {
    let now = 0;
    const store = createMemoryObjectStore();
    const records = createFleetingRecords(store, () => now);
    await store.put('auth/people/x.json', '{}');
    await records.once('login', 'old', 60);
    now = 3 * 3_600_000;
    await records.once('login', 'new', now / 1000 + 60);
    await eventually(() => expect(store.objects).to.have.property('size', 2));
    expect([...store.objects.keys()].filter((key) => key.includes('/people/'))).to.have.length(1);
    expect(await records.once('login', 'new', now / 1000 + 60)).to.equal(false);
  });
});
