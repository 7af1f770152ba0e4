import { CloudError } from '#shared/errors.ts';

/** Lets a few builds run at once and a bounded number wait. */
export interface BuildSlots {
  /**
   * Runs `task` when a slot is free.
   *
   * @throws CloudError `OFC_BUSY` at once if too many wait; the signal's reason while waiting.
   */
  run<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** Makes {@link BuildSlots}. */
export function createBuildSlots(parallel: number, queued: number): BuildSlots {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    async run(task, signal) {
      if (running >= parallel) {
        if (waiting.length >= queued) {
          throw new CloudError('OFC_BUSY', `${queued} builds are waiting already.`);
        }
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else running += 1;
      try {
        signal.throwIfAborted();
        return await task();
      } finally {
        // The slot passes on to the next one that waits.
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}
