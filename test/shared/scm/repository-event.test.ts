import { expect } from 'chai';
import { parseRepositoryEvent } from '#shared/scm/github/repository-event.ts';
import { expectCode } from '../../helpers/expect-code.ts';

const event = (action: string, more: object = {}) =>
  JSON.stringify({
    action,
    repository: { id: 22, name: 'Hello', owner: { login: 'Alice' }, ...more },
    ...more,
  });
const read = (body: string) => parseRepositoryEvent(body);

describe('a repository event, of GitHub and Gitea', () => {
  it('removes the functions of a repo that was deleted', () => {
    expect(read(event('deleted'))).to.deep.include({
      kind: 'removed',
      owner: 'alice',
      repos: ['Hello'],
      repoId: 22,
    });
  });

  it('removes those of a repo that was transferred where it was before', () => {
    for (const from of [{ user: { login: 'Bob' } }, { organization: { login: 'Bob' } }]) {
      expect(read(event('transferred', { changes: { owner: { from } } }))).to.deep.include({
        kind: 'removed',
        owner: 'bob',
        repos: ['Hello'],
        repoId: 22,
      });
    }
  });

  it('leaves them after a rename: the next push takes them over', () => {
    const changes = { repository: { name: { from: 'Old' } } };
    expect(read(event('renamed', { changes }))).to.deep.include({
      kind: 'noted',
      owner: 'alice',
      repo: 'Hello',
      text: 'Old is Hello now',
    });
  });

  it('says that there is nothing to do for the rest: the next push tells whether it is private', () => {
    for (const action of ['privatized', 'publicized', 'created', 'archived', 'edited', 'x']) {
      const found = read(event(action));
      expect(found).to.have.property('kind', 'ignored');
      expect(found).to.have.property('why').that.contains(action);
    }
    // Without what has changed there is nothing to go by.
    expect(read(event('transferred'))).to.have.property('kind', 'ignored');
    expect(read(event('renamed'))).to.have.property('kind', 'ignored');
  });

  it('is refused if it names nobody, or something else than a name', async () => {
    await expectCode(() => read('{}'), 'OFC_BAD_REQUEST');
    await expectCode(() => read('[]'), 'OFC_BAD_REQUEST');
    const repository = (name: string, login: string) =>
      event('deleted', { repository: { id: 1, name, owner: { login } } });
    await expectCode(() => read(repository('../x', 'alice')), 'OFC_NAME_INVALID');
    await expectCode(() => read(repository('x', 'system')), 'OFC_NAME_INVALID');
  });
});
