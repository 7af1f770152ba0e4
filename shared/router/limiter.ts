import { LRUCache } from 'lru-cache';

/** What one key (an owner, an address) may do; 0 is no limit. */
export interface Limit {
  readonly perSecond: number;
  /** Requests at the same time. */
  readonly concurrency: number;
  /** How many seconds' share may be used at once after a pause; 2 if not given. */
  readonly burstSeconds?: number;
}

/** Holds requests of one kind of key to a {@link Limit}. */
export interface Limiter {
  /** Lets a request in, or says after how many seconds another try makes sense. */
  enter(key: string): number | undefined;
  /** Must follow each request that was let in, once. */
  leave(key: string): void;
}

/** Keys remembered; about 10 MB. Those seen longest ago are forgotten: they begin anew, unused. */
const maxKeys = 50_000;

/**
 * Makes a {@link Limiter}. The rate is counted by one number for each key: the moment until which it
 * has used its share up (GCRA, ITU-T I.371). Concurrency is kept for requests under way only.
 *
 * @param now Milliseconds of a clock that never goes back.
 */
export function createLimiter(limit: Limit, now: () => number = () => performance.now()): Limiter {
  const { perSecond, concurrency, burstSeconds = 2 } = limit;
  const stepMs = 1000 / perSecond;
  const burstMs = Math.max(burstSeconds * 1000, stepMs);
  const usedUntil = new LRUCache<string, number>({ max: maxKeys });
  const running = new Map<string, number>();
  return {
    enter(key) {
      const inside = concurrency === 0 ? 0 : (running.get(key) ?? 0);
      if (concurrency > 0 && inside >= concurrency) return 1;
      if (perSecond > 0) {
        const at = now();
        const next = Math.max(usedUntil.get(key) ?? 0, at) + stepMs;
        if (next - at > burstMs) return Math.ceil((next - at - burstMs) / 1000);
        usedUntil.set(key, next);
      }
      if (concurrency > 0) running.set(key, inside + 1);
      return undefined;
    },
    leave(key) {
      const inside = running.get(key);
      if (inside === undefined) return;
      if (inside > 1) running.set(key, inside - 1);
      else running.delete(key);
    },
  };
}

/** The key of an address: IPv6 by its /64, of which one visitor has all. */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}
