import { expect } from 'chai';
import { byName } from '#shared/router/by-name.ts';

describe('byName', () => {
  const counted = () => {
    let calls = 0;
    const of = byName((name) => {
      calls++;
      return name.toLowerCase();
    });
    return { of, calls: () => calls };
  };

  it('works a name out once, each spelling for itself', () => {
    const { of, calls } = counted();
    expect(['Accept', 'Accept', 'ACCEPT'].map(of)).to.deep.equal(['accept', 'accept', 'accept']);
    expect(calls()).to.equal(2);
  });

  it('keeps neither long names nor more than a thousand, and is right all the same', () => {
    const { of, calls } = counted();
    const long = 'X'.repeat(65);
    expect([of(long), of(long)]).to.deep.equal([long.toLowerCase(), long.toLowerCase()]);
    expect(calls()).to.equal(2);
    for (let i = 0; i < 1500; i++) of(`X-${i}`);
    expect([of('X-1'), of('X-1400'), of('X-1400')]).to.deep.equal(['x-1', 'x-1400', 'x-1400']);
    expect(calls()).to.equal(1504);
  });
});
