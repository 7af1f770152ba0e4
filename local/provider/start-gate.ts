/** Lets a few replicas start at a time. */
export interface StartGate {
  /** Calls `start` when it is its turn. */
  pass<T extends { readonly ready: Promise<unknown> }>(start: () => Promise<T>): Promise<T>;
}

/**
 * Makes a {@link StartGate}. A start keeps a core busy: ten at once on two cores end all of them late, and
 * hold ten old replicas besides, where one after the other the first ones serve, and replace, at once.
 *
 * @param parallel How many start at a time.
 * @param patienceMs A replica that is not ready after this long lets the next one start: one that never
 *   becomes ready must not keep other functions from starting.
 */
export function createStartGate(parallel: number, patienceMs: number): StartGate {
  const waiting: (() => void)[] = [];
  let starting = 0;
  const leave = (): void => {
    // The place passes on to the next one that waits.
    const next = waiting.shift();
    if (next === undefined) starting -= 1;
    else next();
  };
  return {
    async pass(start) {
      if (starting < parallel) starting += 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        const replica = await start();
        const patience = new Promise((resolve) => setTimeout(resolve, patienceMs).unref());
        void Promise.race([replica.ready, patience]).then(leave, leave);
        return replica;
      } catch (error) {
        leave();
        throw error;
      }
    },
  };
}
