/** Requests that wait for something to become available. */
export interface WaitingRoom<T> {
  readonly size: number;
  /** Waits for a turn; the signal's reason if that comes first. */
  wait(signal?: AbortSignal): Promise<T>;
  /** Serves those who wait, oldest first, until `next` has nothing left. */
  serve(next: () => T | undefined): void;
  rejectAll(reason: unknown): void;
}

/** An empty {@link WaitingRoom}. */
export function createWaitingRoom<T>(): WaitingRoom<T> {
  interface Waiter {
    readonly resolve: (value: T) => void;
    readonly reject: (reason: unknown) => void;
  }
  const waiters = new Set<Waiter>();
  return {
    get size() {
      return waiters.size;
    },
    wait(signal) {
      let onAbort: (() => void) | undefined;
      const turn = new Promise<T>((resolve, reject) => {
        signal?.throwIfAborted();
        const waiter: Waiter = { resolve, reject };
        onAbort = () => {
          waiters.delete(waiter);
          reject(signal?.reason);
        };
        waiters.add(waiter);
        signal?.addEventListener('abort', onAbort);
      });
      return turn.finally(() => {
        if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
      });
    },
    serve(next) {
      for (const waiter of waiters) {
        const value = next();
        if (value === undefined) return;
        waiters.delete(waiter);
        waiter.resolve(value);
      }
    },
    rejectAll(reason) {
      for (const waiter of waiters) waiter.reject(reason);
      waiters.clear();
    },
  };
}
