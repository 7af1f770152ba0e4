import { expect } from 'chai';
import {
  defaultRetryPolicy,
  parseRetryPolicy,
  retryDelay,
} from '../../../local/queue/retry-policy.ts';

const longest = () => 0;
const shortest = () => 1;

describe('retry policy', () => {
  it('reads the annotations', () => {
    expect(
      parseRetryPolicy({
        'com.openfaas.retry.attempts': '7',
        'com.openfaas.retry.codes': '500, 429',
        'com.openfaas.retry.min_wait': '250ms',
        'com.openfaas.retry.max_wait': '1m30s',
      }),
    ).to.deep.equal({ attempts: 7, codes: new Set([500, 429]), minWaitMs: 250, maxWaitMs: 90_000 });
  });

  it('has a default for what is absent or cannot be read', () => {
    expect(parseRetryPolicy({})).to.deep.equal(defaultRetryPolicy);
    expect(
      parseRetryPolicy({
        'com.openfaas.retry.attempts': '-1',
        'com.openfaas.retry.codes': '5xx',
        'com.openfaas.retry.min_wait': 'soon',
        'com.openfaas.retry.max_wait': '',
      }),
    ).to.deep.equal(defaultRetryPolicy);
  });

  it('tries at least once and at most a hundred times', () => {
    expect(parseRetryPolicy({ 'com.openfaas.retry.attempts': '0' }).attempts).to.equal(1);
    expect(parseRetryPolicy({ 'com.openfaas.retry.attempts': '999' }).attempts).to.equal(100);
  });

  it('doubles the wait up to the maximum, and takes a random half off', () => {
    const waits = [1, 2, 3, 20].map((n) => retryDelay(defaultRetryPolicy, n, undefined, longest));
    expect(waits).to.deep.equal([100, 200, 400, 10_000]);
    expect(retryDelay(defaultRetryPolicy, 2, undefined, shortest)).to.equal(100);
  });

  it('honours Retry-After within the maximum', () => {
    const wait = (text: string) => retryDelay(defaultRetryPolicy, 1, text, longest);
    expect(wait('3')).to.equal(3000);
    expect(wait('86400')).to.equal(10_000);
    expect(wait('0')).to.equal(100);
    expect(wait('-5')).to.equal(100);
    expect(wait('never')).to.equal(100);
    expect(wait(new Date(Date.now() + 5000).toUTCString())).to.be.within(3000, 5000);
  });
});
