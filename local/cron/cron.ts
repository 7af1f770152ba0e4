import { errorMessage } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { type FunctionSpec, functionId } from '../provider/provider.ts';
import { parseSchedule, type Schedule } from './schedule.ts';

type Annotated = Pick<FunctionSpec, 'service' | 'namespace' | 'annotations'>;

/** Calls functions on their schedules, as OpenFaaS's cron connector does. */
export interface Cron {
  /** @throws CloudError `OFC_BAD_REQUEST` if a function's schedule cannot be read. */
  check(spec: Annotated): void;
  /** Starts a function's schedules, in place of those it had. */
  set(spec: Annotated): void;
  delete(id: string): void;
  /** Stops all schedules. */
  close(): void;
}

const topic = 'cron-function';

/**
 * Makes a {@link Cron}. A function takes part by its annotations `topic: cron-function` and
 * `schedule`, which may hold several expressions, separated by `;`.
 *
 * @param fire Calls the function; a failure is logged and the schedule goes on.
 */
export function createCron({
  fire,
  log,
}: {
  fire: (id: string) => Promise<void>;
  log: Logger;
}): Cron {
  const stops = new Map<string, (() => void)[]>();

  const due = (id: string) => () => {
    fire(id).catch((error) => {
      log.error('a scheduled call was not taken', {
        function: id,
        error: errorMessage(error),
      });
    });
  };

  const remove = (id: string): void => {
    for (const stop of stops.get(id) ?? []) stop();
    stops.delete(id);
  };

  return {
    check: (spec) => void schedulesOf(spec),
    set(spec) {
      const schedules = schedulesOf(spec);
      const id = functionId(spec);
      remove(id);
      if (schedules.length === 0) return;
      stops.set(
        id,
        schedules.map((schedule) => schedule.run(due(id))),
      );
    },
    delete: remove,
    close() {
      for (const id of [...stops.keys()]) remove(id);
    },
  };
}

function schedulesOf({ annotations }: Annotated): Schedule[] {
  const topics = (annotations['topic'] ?? '').split(',').map((name) => name.trim());
  if (!topics.includes(topic)) return [];
  return (annotations['schedule'] ?? '')
    .split(';')
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map(parseSchedule);
}
