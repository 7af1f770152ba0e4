import { expect } from 'chai';
import { parseOwner } from '#shared/names.ts';
import { createOwnerClaims } from '#shared/scm/owner-claims.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';

const alice = parseOwner('alice');
const first = { scm: 'github', id: 7 } as const;

describe('names of owners', () => {
  it('belong to the account that was first, in every process', async () => {
    const store = createMemoryObjectStore();
    const owners = createOwnerClaims(store);
    await owners.claim(alice, first);
    await owners.claim(alice, first);
    for (const claims of [owners, createOwnerClaims(store)]) {
      for (const other of [
        { scm: 'gitlab', id: 7 },
        { scm: 'github-work', id: 7 },
        { scm: 'github', id: 8 },
      ] as const) {
        const error = await expectCode(claims.claim(alice, other), 'OFC_NAME_TAKEN');
        expect(error.text).to.contain('github').and.to.contain('operator');
      }
      expect(await claims.of(alice)).to.deep.equal(first);
    }
  });

  it('belong to one account, however many come at once', async () => {
    const store = createMemoryObjectStore();
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, id) =>
        createOwnerClaims(store).claim(alice, { scm: 'gitlab', id }),
      ),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
  });

  it('are given free by their own SCM only, and then belong to whoever comes next', async () => {
    const store = createMemoryObjectStore();
    const owners = createOwnerClaims(store);
    await owners.claim(alice, first);
    await owners.release(alice, 'gitlab');
    expect(await owners.of(alice)).to.deep.equal(first);
    await owners.release(alice, 'github');
    expect(await owners.of(alice)).to.equal(undefined);
    await owners.claim(alice, { scm: 'gitlab', id: 9 });
    expect(await createOwnerClaims(store).of(alice)).to.deep.equal({ scm: 'gitlab', id: 9 });
  });
});
