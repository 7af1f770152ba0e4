import { setTimeout as delay } from 'node:timers/promises';

interface Lane<T> {
  /** The run under way, and the pause after it. */
  busy: Promise<unknown>;
  /** The one run after it, shared by all who asked meanwhile. */
  next: Promise<T> | undefined;
}

/**
 * Makes many calls into few: for each key one run at a time, and those who call meanwhile share one
 * more run, which begins after they called and so sees whatever they called for.
 *
 * @param intervalMs From the begin of one run to the begin of the next, for the same key.
 */
export function coalesce<T>(
  work: (key: string) => Promise<T>,
  intervalMs: number,
): (key: string) => Promise<T> {
  const lanes = new Map<string, Lane<T>>();

  const begin = (key: string): Promise<T> => {
    const run = work(key);
    const lane: Lane<T> = { busy: Promise.allSettled([run, delay(intervalMs)]), next: undefined };
    lanes.set(key, lane);
    lane.busy.then(() => {
      if (lane.next === undefined) lanes.delete(key);
    });
    return run;
  };

  return (key) => {
    const lane = lanes.get(key);
    if (lane === undefined) return begin(key);
    lane.next ??= lane.busy.then(() => begin(key));
    return lane.next;
  };
}
