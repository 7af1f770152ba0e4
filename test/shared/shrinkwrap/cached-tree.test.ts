import { expect } from 'chai';
import { createCachedTree } from '#shared/shrinkwrap/cached-tree.ts';
import { createMemoryTree } from '#shared/shrinkwrap/memory-tree.ts';

describe('createCachedTree', () => {
  it('gives what the tree gives, and asks it once', async () => {
    const tree = createMemoryTree({ 'a/b.txt': 'text' });
    const asked: string[] = [];
    const cached = createCachedTree({
      list: (folder) => {
        asked.push(`list ${folder}`);
        return tree.list(folder);
      },
      read: (path) => {
        asked.push(`read ${path}`);
        return tree.read(path);
      },
    });
    for (let time = 0; time < 2; time += 1) {
      expect(await cached.list('a')).to.deep.equal(await tree.list('a'));
      expect(await cached.list('none')).to.equal(undefined);
      expect(String(await cached.read('a/b.txt'))).to.equal('text');
    }
    expect(asked).to.deep.equal(['list a', 'list none', 'read a/b.txt']);
  });

  it('asks again after a failure', async () => {
    let failures = 1;
    const cached = createCachedTree({
      list: async () => [],
      read: async () => {
        if (failures-- > 0) throw new Error('not now');
        return Buffer.from('later');
      },
    });
    const first = await cached.read('x').catch((error: Error) => error.message);
    expect([first, String(await cached.read('x'))]).to.deep.equal(['not now', 'later']);
  });
});
