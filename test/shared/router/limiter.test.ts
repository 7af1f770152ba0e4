import { expect } from 'chai';
import { addressKey, createLimiter } from '#shared/router/limiter.ts';

describe('createLimiter', () => {
  it('lets a burst in, then the rate, and says when to try again', () => {
    let now = 1000;
    const limiter = createLimiter({ perSecond: 10, concurrency: 0 }, () => now);
    const tries = (count: number) =>
      Array.from({ length: count }, () => limiter.enter('a')).filter((wait) => wait === undefined);
    expect(tries(30)).to.have.length(20);
    expect(limiter.enter('a')).to.equal(1);
    expect(limiter.enter('b')).to.equal(undefined);
    now += 1000;
    expect(tries(30)).to.have.length(10);
    now += 60_000;
    expect(tries(30)).to.have.length(20);
  });

  it('says how long a low rate lasts', () => {
    const limiter = createLimiter({ perSecond: 1 / 60, concurrency: 0 }, () => 0);
    expect(limiter.enter('a')).to.equal(undefined);
    expect(limiter.enter('a')).to.equal(60);
  });

  it('counts those under way, each key for itself', () => {
    const limiter = createLimiter({ perSecond: 0, concurrency: 2 });
    expect([limiter.enter('a'), limiter.enter('a'), limiter.enter('a')]).to.deep.equal([
      undefined,
      undefined,
      1,
    ]);
    expect(limiter.enter('b')).to.equal(undefined);
    limiter.leave('a');
    expect(limiter.enter('a')).to.equal(undefined);
  });

  it('has no limit at 0', () => {
    const limiter = createLimiter({ perSecond: 0, concurrency: 0 });
    for (let i = 0; i < 1000; i++) expect(limiter.enter('a')).to.equal(undefined);
  });

  it('forgets the oldest of too many keys instead of growing', function () {
    this.timeout(20_000);
    const limiter = createLimiter({ perSecond: 1, concurrency: 1 }, () => 0);
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 300_000; i++) {
      limiter.enter(`10.0.${i}`);
      limiter.leave(`10.0.${i}`);
    }
    expect((process.memoryUsage().heapUsed - before) / 2 ** 20).to.be.below(60);
    expect(limiter.enter('10.0.0')).to.equal(undefined);
  });
});

describe('addressKey', () => {
  for (const [address, key] of [
    ['192.0.2.1', '192.0.2.1'],
    ['unknown', 'unknown'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:DB8:1:2::9', '2001:db8:1:2'],
    ['2001:0db8:0001:2::', '2001:db8:1:2'],
    ['2001:db8::5', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['::', '0:0:0:0'],
  ] as const) {
    it(`of ${address} is ${key}`, () => expect(addressKey(address)).to.equal(key));
  }
});
