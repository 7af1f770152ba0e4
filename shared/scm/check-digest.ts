import { createHash } from 'node:crypto';
import type { Check } from './check-state.ts';

/** Equal for two checks that say the same. */
export function checkDigest(check: Check): string {
  const text = JSON.stringify(Object.entries(check).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
