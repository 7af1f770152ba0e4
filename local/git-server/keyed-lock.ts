/** Runs `work` when everything that was asked for under the same key before has ended. */
export type KeyedLock = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/** Makes a lock with one first-come, first-served queue per key. */
export function createKeyedLock(): KeyedLock {
  const tails = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const turn = (tails.get(key) ?? Promise.resolve()).then(work);
    const tail = turn
      .catch(() => undefined)
      .then(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
    tails.set(key, tail);
    return turn;
  };
}
