import { expect } from 'chai';
import { once } from '#shared/once.ts';

describe('once', () => {
  it('makes a value at the first use and keeps it, also undefined', () => {
    for (const value of [{}, undefined]) {
      let made = 0;
      const get = once(() => {
        made += 1;
        return value;
      });
      expect(made).to.equal(0);
      expect([get(), get()]).to.deep.equal([value, value]);
      expect(made).to.equal(1);
    }
  });

  it('tries again after a throw', () => {
    let calls = 0;
    const get = once(() => {
      calls += 1;
      if (calls === 1) throw new Error('first');
      return calls;
    });
    expect(get).to.throw('first');
    expect([get(), get()]).to.deep.equal([2, 2]);
  });
});
