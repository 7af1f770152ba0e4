import { readFile, rename, writeFile } from 'node:fs/promises';
import * as v from 'valibot';
import type { Sample } from '#shared/metrics/metrics-registry.ts';
import { createSampleHistory, type SampleHistory } from './sample-history.ts';

interface MetricsHistoryOptions {
  /** Where the history lies between two runs. */
  readonly file: string;
  readonly samples: () => Iterable<Sample>;
  readonly everyMs?: number;
}

const pastSchema = v.array(
  v.object({
    name: v.string(),
    labels: v.record(v.string(), v.string()),
    times: v.array(v.number()),
    values: v.array(v.number()),
  }),
);

/** How often the history is written down: what a crash can lose of it. */
const saveEveryMs = 60_000;

/** Keeps the history of counters in step with them, and over restarts. */
export async function openMetricsHistory({
  file,
  samples,
  everyMs = 5000,
}: MetricsHistoryOptions): Promise<{
  readonly history: SampleHistory;
  refresh(): void;
  close(): Promise<void>;
}> {
  const history = createSampleHistory(await readPast(file), Date.now());
  const refresh = (): void => history.record(samples(), Date.now());
  let saving = Promise.resolve();
  const save = (): void => {
    saving = saving
      .then(() => write(file, JSON.stringify(history.snapshot())))
      .catch(() => undefined);
  };
  const timers = [setInterval(refresh, everyMs), setInterval(save, saveEveryMs)];
  for (const timer of timers) timer.unref();
  return {
    history,
    refresh,
    async close() {
      timers.forEach(clearInterval);
      refresh();
      save();
      await saving;
    },
  };
}

async function readPast(file: string): Promise<v.InferOutput<typeof pastSchema>> {
  try {
    return v.parse(v.pipe(v.string(), v.parseJson(), pastSchema), await readFile(file, 'utf8'));
  } catch {
    // Absent or unreadable: the charts begin anew, nothing else depends on it.
    return [];
  }
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
