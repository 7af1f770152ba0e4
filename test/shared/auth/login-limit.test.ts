import { expect } from 'chai';
import { createLoginLimit } from '#shared/auth/login-limit.ts';

describe('createLoginLimit', () => {
  it('lets an address take its share at once, and then evenly', () => {
    let now = 0;
    const limit = createLoginLimit(6, 1000, () => now);
    for (let i = 0; i < 6; i++) expect(limit.take('192.0.2.1'), `${i}`).to.equal(0);
    expect(limit.take('192.0.2.1')).to.equal(10);
    now += 9000;
    expect(limit.take('192.0.2.1')).to.equal(1);
    now += 1000;
    expect(limit.take('192.0.2.1')).to.equal(0);
    expect(limit.take('192.0.2.1')).to.equal(10);
    now += 3_600_000;
    const taken = Array.from({ length: 10 }, () => limit.take('192.0.2.1'));
    expect(taken.filter((wait) => wait === 0)).to.have.length(6);
  });

  it('holds all together, and who is over their own share takes nothing from the others', () => {
    const limit = createLoginLimit(2, 5, () => 0);
    const take = (address: string) => limit.take(address) === 0;
    expect([take('a'), take('a'), take('a'), take('a')]).to.deep.equal([true, true, false, false]);
    expect([take('b'), take('b'), take('c'), take('c')]).to.deep.equal([true, true, true, false]);
    expect(limit.take('d')).to.equal(12);
  });

  it('counts an IPv6 network as one address, however it is written', () => {
    const limit = createLoginLimit(1, 1000, () => 0);
    expect(limit.take('2001:db8:0:1::1')).to.equal(0);
    for (const same of ['2001:db8:0:1::2', '2001:0DB8:0000:0001:ffff::', '2001:db8:0:1:a:b:c:d']) {
      expect(limit.take(same), same).to.be.above(0);
    }
    expect(limit.take('2001:db8:0:2::1')).to.equal(0);
    expect(limit.take('::ffff:192.0.2.9')).to.equal(0);
    expect(limit.take('192.0.2.9')).to.be.above(0);
  });

  it('remembers so many addresses and no more', () => {
    const limit = createLoginLimit(1, 1_000_000, () => 0);
    expect(limit.take('first')).to.equal(0);
    for (let i = 0; i < 10_000; i++) limit.take(`address ${i}`);
    expect(limit.take('first')).to.equal(0);
  });
});
