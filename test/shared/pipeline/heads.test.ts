import { expect } from 'chai';
import { type Head, newestHead } from '#shared/pipeline/heads.ts';

/** Pushes written as `before>sha`, in the order of their arrival; gives the newest one's commit. */
function newest(...pushes: readonly string[]): string | undefined {
  const heads = pushes.map((text, index): Head => {
    const [before = '', sha = ''] = text.split('>');
    return { id: String(index).padStart(3, '0'), sha, before };
  });
  return newestHead(heads)?.sha;
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) =>
    permutations(items.filter((_, other) => other !== index)).map((rest) => [item, ...rest]),
  );
}

describe('the newest of some pushes', () => {
  it('is none of none', () => {
    expect(newest()).to.equal(undefined);
  });

  it('is the end of the chain, in whatever order the webhooks came', () => {
    for (const order of permutations(['0>a', 'a>b', 'b>c', 'c>d'])) {
      expect(newest(...order), order.join(' ')).to.equal('d');
    }
  });

  it('is the commit a branch was forced back to, in whatever order the webhooks came', () => {
    for (const order of permutations(['0>a', 'a>b', 'b>a'])) {
      expect(newest(...order), order.join(' ')).to.equal('a');
    }
    expect(newest('0>a', 'a>b', 'b>c', 'c>a', 'a>d')).to.equal('d');
    expect(newest('0>a', 'a>b', 'b>a', 'a>b')).to.equal('b');
  });

  it('is the last to come where nothing connects them, or where it is a circle', () => {
    expect(newest('0>a', '0>b')).to.equal('b');
    expect(newest('x>a', 'y>b')).to.equal('b');
    expect(newest('a>b', 'b>a')).to.equal('a');
    expect(newest('a>a')).to.equal('a');
  });

  it('is the later part where a push between was lost', () => {
    expect(newest('0>a', 'a>b', 'c>d', 'd>e')).to.equal('e');
    expect(newest('0>a', 'a>b', 'd>e', 'c>d')).to.equal('e');
  });

  it('is not disturbed by one that came twice', () => {
    expect(newest('0>a', 'a>b', '0>a', 'a>b')).to.equal('b');
    expect(newest('0>a', '0>a', 'a>b')).to.equal('b');
  });
});
