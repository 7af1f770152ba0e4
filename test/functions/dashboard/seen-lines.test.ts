import { expect } from 'chai';
import { createSeenLines } from '../../../functions/dashboard/client/seen-lines.ts';

describe('lines of a log that were seen', () => {
  it('are none of a first connection, at whatever time and in whatever order', () => {
    const isNew = createSeenLines().connect();
    expect(['2', '2', '1', '3', '3', '2'].map(isNew)).to.deep.equal(Array(6).fill(true));
  });

  it('are those that the next connection sends again', () => {
    const seen = createSeenLines();
    expect(seen.newest()).to.equal('');
    ['1', '2', '2'].forEach(seen.connect());
    expect(seen.newest()).to.equal('2');
    expect(['1', '2', '2', '2', '3'].map(seen.connect())).to.deep.equal([
      ...[false, false, false],
      ...[true, true],
    ]);
    expect(['2', '2', '2', '3', '3', '3'].map(seen.connect())).to.deep.equal([
      ...[false, false, false, false],
      ...[true, true],
    ]);
    expect(['3', '3', '3'].map(seen.connect())).to.deep.equal([false, false, false]);
  });
});
