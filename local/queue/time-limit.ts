/** What a run gives that was ended by its time limit. */
export const timedOut = Symbol('timed out');

/** Runs work that ends in time, or when all is to end. */
export interface TimeLimit {
  /** Whether {@link TimeLimit.abort} was called. */
  readonly aborted: boolean;
  /** Runs `work`; gives {@link timedOut} if it failed after its time was up. */
  run<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | typeof timedOut>;
  /** Ends all that runs. */
  abort(): void;
}

/**
 * Makes a {@link TimeLimit}. Each run has a signal and a timer of its own, both gone with it: a
 * timeout signal would stay in memory until its time is up.
 */
export function createTimeLimit(limitMs: number): TimeLimit {
  const running = new Set<AbortController>();
  let aborted = false;
  return {
    get aborted() {
      return aborted;
    },
    async run(work) {
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(), limitMs);
      running.add(controller);
      try {
        return await work(controller.signal);
      } catch (error) {
        if (controller.signal.aborted && !aborted) return timedOut;
        throw error;
      } finally {
        clearTimeout(timer);
        running.delete(controller);
      }
    },
    abort() {
      aborted = true;
      for (const controller of running) controller.abort();
    },
  };
}
