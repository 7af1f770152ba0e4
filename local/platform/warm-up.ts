import { errorMessage } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { Provider } from '../provider/provider.ts';

/** What a push needs beside github-event, which always runs, in the order in which it needs it. */
const pushSteps = [
  'github-push',
  'git-tar',
  'buildshiprun',
  'of-builder',
  'github-status',
  'pipeline-log',
];

/**
 * Starts what a push needs, one after the other and in the background, so that a push some seconds after
 * a start finds it running; an earlier one waits for what it needs. Bringing it up before would make each
 * start slower. What is not used is stopped again as every idle function.
 */
export function warmUp(provider: Provider, log: Logger): { close(): Promise<void> } {
  const stop = new AbortController();
  const work = async (): Promise<void> => {
    for (const name of pushSteps) {
      if (provider.status(name) === undefined) continue; // left out of this platform
      const lease = await provider.acquire(name, stop.signal);
      lease.release();
    }
  };
  const done = work().catch((error: unknown) => {
    if (stop.signal.aborted) return;
    log.warn('A function could not be started in advance.', { error: errorMessage(error) });
  });
  return {
    async close() {
      stop.abort();
      await done;
    },
  };
}
