import { expect } from 'chai';
import { createPeople } from '#shared/auth/people.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';

describe('createPeople', () => {
  const person = { provider: 'github', id: '7', login: 'alice', groups: [] };
  const groups = [{ path: 'acme', id: '70', admin: false }];

  it('notices within a minute who signed in at another replica', async () => {
    let now = 1_800_000_000_000;
    const store = createMemoryObjectStore();
    const [one, two] = [createPeople(store, () => now), createPeople(store, () => now)];
    expect(await two.find('github:7')).to.equal(undefined);
    await one.save(person);
    now += 60_000;
    expect((await two.find('github:7'))?.person).to.deep.equal(person);
    now += 1000;
    await one.save({ ...person, groups });
    expect(await one.find('github:7')).to.deep.equal({
      person: { ...person, groups },
      seenAt: now / 1000,
    });
    now += 60_000;
    expect((await two.find('github:7'))?.person.groups).to.deep.equal(groups);
  });

  it('knows nobody while the store is out', async () => {
    const store = createMemoryObjectStore();
    store.get = () => Promise.reject(new Error('out'));
    const asked = await createPeople(store)
      .find('github:7')
      .catch((error: Error) => error.message);
    expect(asked).to.equal('out');
  });
});
