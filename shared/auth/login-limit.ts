import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';

/** Bounds how often logins are tried. */
export interface LoginLimit {
  /** @returns 0 if this try may go on, else the seconds to wait. */
  take(address: string): number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** Addresses that are remembered; who is forgotten begins anew. */
const maxAddresses = 10_000;

/**
 * Makes a {@link LoginLimit} of token buckets that fill evenly: one for each address (of IPv6 its /64,
 * which is what one customer of a network gets) and one for all.
 *
 * @param perMinute Tries of one address a minute, also at once.
 * @param totalPerMinute Tries of all addresses.
 * @param now Milliseconds, for tests.
 */
export function createLoginLimit(
  perMinute: number,
  totalPerMinute: number,
  now: () => number = Date.now,
): LoginLimit {
  const buckets = new LRUCache<string, Bucket>({ max: maxAddresses });
  const all: Bucket = { tokens: totalPerMinute, at: now() };
  const fill = (bucket: Bucket, rate: number): Bucket => {
    bucket.tokens = Math.min(rate, bucket.tokens + ((now() - bucket.at) * rate) / 60_000);
    bucket.at = now();
    return bucket;
  };
  return {
    take(address) {
      const key = networkOf(address);
      const own = fill(buckets.get(key) ?? { tokens: perMinute, at: now() }, perMinute);
      buckets.set(key, own);
      // Who is over their own limit takes nothing from the others.
      if (own.tokens < 1) return waitFor(own, perMinute);
      if (fill(all, totalPerMinute).tokens < 1) return waitFor(all, totalPerMinute);
      own.tokens -= 1;
      all.tokens -= 1;
      return 0;
    },
  };
}

function waitFor({ tokens }: Bucket, rate: number): number {
  return Math.max(1, Math.ceil(((1 - tokens) * 60) / rate));
}

function networkOf(given: string): string {
  const address = given.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? 0 : tail.split(':').length;
  if (tail !== undefined) while (groups.length + behind < 8) groups.push('0');
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
