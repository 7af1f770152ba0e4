import { useEffect, useState } from 'preact/hooks';
import { ApiError } from './api.ts';

/** What a part of the page knows of an answer: the newest one, and what went wrong since. */
export interface Loaded<T> {
  readonly value: T | undefined;
  readonly problem: Error | undefined;
}

/**
 * Asks at once and again every `everyMs` while the page is seen; what was known stays until there is
 * something newer. A question that fails for good is not asked again.
 *
 * @param key Tells one question from the next: with another key everything begins anew.
 */
export function useAnswer<T>(
  key: string,
  ask: (signal: AbortSignal) => Promise<T>,
  everyMs: number | ((value: T) => number),
): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T> & { key: string }>({
    key,
    value: undefined,
    problem: undefined,
  });
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = (ms: number) => {
      timer = setTimeout(round, ms);
    };
    const round = async (): Promise<void> => {
      if (document.hidden) return wait(1000);
      try {
        const value = await ask(stop.signal);
        setLoaded({ key, value, problem: undefined });
        wait(typeof everyMs === 'number' ? everyMs : everyMs(value));
      } catch (error) {
        if (stop.signal.aborted) return;
        const problem = error instanceof Error ? error : new Error(String(error));
        setLoaded((before) => ({
          key,
          value: before.key === key ? before.value : undefined,
          problem,
        }));
        if (!(problem instanceof ApiError) || problem.status >= 429) wait(5000);
      }
    };
    void round();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [key]);
  return loaded.key === key ? loaded : { value: undefined, problem: undefined };
}
