import { setTimeout as delay } from 'node:timers/promises';

/**
 * Polls `probe` until it returns without throwing and gives its value; after `timeoutMs` the last
 * error is thrown. Tests wait for a condition, never for a fixed time.
 */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  { timeoutMs = 10_000, everyMs = 20 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(everyMs);
    }
  }
}
