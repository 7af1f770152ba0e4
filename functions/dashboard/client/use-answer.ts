import { useEffect, useState } from 'preact/hooks';
import { ApiError } from './api.ts';
import { isLive, onChange, type Topic } from './live.ts';

/** What a part of the page knows of an answer: the newest one, and what went wrong since. */
export interface Loaded<T> {
  readonly value: T | undefined;
  readonly problem: Error | undefined;
}

/** While the platform tells of changes, asking besides is for what it does not tell, such as numbers. */
const liveMs = 15_000;
const retryMs = 5000;

/**
 * Asks at once, whenever the platform tells of a change, and again every `everyMs` while the page is
 * seen; what was known stays until there is something newer. A question that fails for good is not
 * asked again.
 *
 * @param key Tells one question from the next: with another key everything begins anew.
 */
export function useAnswer<T>(
  key: string,
  ask: (signal: AbortSignal) => Promise<T>,
  everyMs: number | ((value: T) => number),
  topic?: Topic,
): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T> & { key: string }>({
    key,
    value: undefined,
    problem: undefined,
  });
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asking = false;
    let again = false;
    const wait = (ms: number) => {
      timer = setTimeout(round, again ? 0 : ms);
      again = false;
    };
    const round = async (): Promise<void> => {
      if (document.hidden) return wait(1000);
      asking = true;
      try {
        const value = await ask(stop.signal);
        setLoaded({ key, value, problem: undefined });
        const ms = typeof everyMs === 'number' ? everyMs : everyMs(value);
        wait(topic !== undefined && isLive() ? Math.max(ms, liveMs) : ms);
      } catch (error) {
        if (stop.signal.aborted) return;
        const problem = error instanceof Error ? error : new Error(String(error));
        setLoaded((before) => ({
          key,
          value: before.key === key ? before.value : undefined,
          problem,
        }));
        if (!(problem instanceof ApiError) || problem.status >= 429) wait(retryMs);
      } finally {
        asking = false;
      }
    };
    const changed = () => {
      if (asking) again = true;
      else {
        clearTimeout(timer);
        void round();
      }
    };
    const unfollow = topic === undefined ? undefined : onChange(topic, changed);
    void round();
    return () => {
      unfollow?.();
      stop.abort();
      clearTimeout(timer);
    };
  }, [key]);
  return loaded.key === key ? loaded : { value: undefined, problem: undefined };
}
