import { Cron as Job } from 'croner';
import { parseDuration } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';

/** When something is due, again and again. */
export interface Schedule {
  /** Calls `due` at each time. Gives the call that stops it. */
  run(due: () => void): () => void;
  /** The next time, counted from now. */
  next(): Date | undefined;
}

const minEveryMs = 1000;

/**
 * Reads one expression of OpenFaaS's cron connector: five fields, a descriptor such as `@hourly`,
 * or `@every 5m`. Times are UTC, as in its container.
 *
 * @throws CloudError `OFC_BAD_REQUEST` if it cannot be read.
 */
export function parseSchedule(text: string): Schedule {
  try {
    const every = /^@every\s+(\S+)$/.exec(text)?.[1];
    return every === undefined ? fromPattern(text) : fromInterval(parseDuration(every));
  } catch (error) {
    throw new CloudError('OFC_BAD_REQUEST', `The schedule "${text}" cannot be read.`, {
      hint: 'Use five fields such as "*/5 * * * *", "@hourly" or "@every 5m".',
      cause: error,
    });
  }
}

function fromPattern(text: string): Schedule {
  const options = { timezone: 'UTC', mode: '5-part', unref: true } as const;
  const pattern = new Job(text, { ...options, paused: true });
  return {
    run(due) {
      const job = new Job(text, options, due);
      return () => job.stop();
    },
    next: () => pattern.nextRun() ?? undefined,
  };
}

function fromInterval(everyMs: number): Schedule {
  if (everyMs < minEveryMs) throw new Error('the interval is too short');
  return {
    run(due) {
      const timer = setInterval(due, everyMs).unref();
      return () => clearInterval(timer);
    },
    next: () => new Date(Date.now() + everyMs),
  };
}
