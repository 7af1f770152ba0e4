import { expect } from 'chai';
import { createPersonList, parseEntry } from '#shared/person-list.ts';

const person = (
  provider: string,
  login: string,
  id = '1',
  groups: { path: string; id?: string; admin: boolean }[] = [],
) => ({ provider, login, id, groups });
const inAcme = [{ path: 'Acme', id: '70', admin: false }];

/** Entry, person, whether the entry lets them in. */
const table: [entry: string, who: ReturnType<typeof person>, admitted: boolean][] = [
  ['alice', person('github', 'Alice'), true],
  ['ALICE', person('gitlab', 'alice'), true],
  ['alice', person('github', 'alice2'), false],
  ['github:alice', person('github', 'alice'), true],
  ['github:alice', person('gitlab', 'alice'), false],
  ['github:alice', person('github-corp', 'alice'), false],
  ['github-corp:alice', person('github-corp', 'alice'), true],
  ['acme', person('github', 'bob', '1', inAcme), true],
  ['org:acme', person('github', 'bob', '1', inAcme), true],
  ['org:acme', person('github', 'acme'), false],
  ['org:acme', person('gitlab', 'bob', '1', inAcme), false],
  ['group:acme', person('gitlab', 'bob', '1', inAcme), true],
  ['group:acme', person('gitlab-work', 'bob', '1', inAcme), true],
  ['group:acme', person('github', 'bob', '1', inAcme), false],
  ['group:acme/web', person('gitlab', 'bob', '1', [{ path: 'acme/web', admin: false }]), true],
  ['group:acme/web', person('gitlab', 'bob', '1', inAcme), false],
  ['id:github:1', person('github', 'renamed'), true],
  ['id:github:1', person('github', 'x', '11'), false],
  ['id:github:1', person('gitlab', 'x'), false],
  ['id:github:70', person('github', 'bob', '1', inAcme), true],
  // On GitLab 70 could be a person.
  ['id:gitlab:70', person('gitlab', 'bob', '1', inAcme), false],
];

describe('createPersonList', () => {
  for (const [entry, who, admitted] of table) {
    const where = who.groups.map(({ path }) => ` in ${path}`).join('');
    it(`"${entry}" ${admitted ? 'admits' : 'does not admit'} ${who.login} (${who.id}) of ${who.provider}${where}`, () => {
      expect(createPersonList([parseEntry(entry)]).admits(who)).to.equal(admitted);
    });
  }

  it('an empty list admits nobody', () => {
    const list = createPersonList([]);
    expect([list.size, list.admits(person('github', ''))]).to.deep.equal([0, false]);
  });

  it('an owner is on it by name, by id, and below a listed group', () => {
    const list = createPersonList(['acme', 'id:github:9', 'group:big/part'].map(parseEntry));
    const has = (owner: string, provider: string, id?: string) =>
      list.hasOwner(owner, id === undefined ? { provider } : { provider, id });
    expect(has('Acme', 'github')).to.equal(true);
    expect(has('acme/web', 'gitlab')).to.equal(true);
    expect(has('acme-x', 'github')).to.equal(false);
    expect(has('renamed', 'github', '9')).to.equal(true);
    expect(has('renamed', 'gitlab', '9')).to.equal(false);
    expect(has('big/part/deep', 'gitlab')).to.equal(true);
    expect(has('big', 'gitlab')).to.equal(false);
    expect(has('big/party', 'gitlab')).to.equal(false);
  });

  it('refuses lines that are no entry, without repeating them', () => {
    for (const text of [
      '',
      '<html>',
      'a b',
      'id:github:',
      ':alice',
      'org:',
      '-alice',
      'ä',
      'x'.repeat(101),
    ]) {
      expect(() => parseEntry(text), text).to.throw('is not a login');
    }
    expect(() => parseEntry('password=geheim')).to.throw(/^(?!.*geheim)/);
  });
});
