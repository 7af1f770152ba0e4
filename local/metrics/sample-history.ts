import type { Labels, Sample } from '#shared/metrics/metrics-registry.ts';

/** One series with its past. Times are Unix milliseconds, oldest first. */
export interface SeriesHistory {
  readonly name: string;
  readonly labels: Labels;
  readonly times: number[];
  readonly values: number[];
}

/** Remembers how counters grew. */
export interface SampleHistory {
  /** Notes what the counters say at `now`. */
  record(samples: Iterable<Sample>, now: number): void;
  series(name: string): Iterable<SeriesHistory>;
  /** All of it, to be written down. */
  snapshot(): SeriesHistory[];
}

/** Older samples are thinned: the last one of each `everyMs` is kept. */
const tiers = [
  { afterMs: 3_600_000, everyMs: 60_000 },
  { afterMs: 24 * 3_600_000, everyMs: 15 * 60_000 },
] as const;
const forgetAfterMs = 8 * 24 * 3_600_000;
/** A series is thinned when it has grown by that many samples. */
const thinEvery = 512;

/**
 * Makes a {@link SampleHistory}. Only changes are kept, so what rests costs nothing.
 *
 * @param past A snapshot of an earlier process, whose counters began anew at `now`.
 */
export function createSampleHistory(past: readonly SeriesHistory[], now: number): SampleHistory {
  const all = new Map<string, Map<string, SeriesHistory>>();
  const seriesOf = (name: string, labels: Labels): SeriesHistory => {
    const family = all.get(name) ?? new Map<string, SeriesHistory>();
    all.set(name, family);
    const key = JSON.stringify(labels);
    const known = family.get(key) ?? { name, labels, times: [], values: [] };
    family.set(key, known);
    return known;
  };
  for (const { name, labels, times, values } of past) {
    const series = seriesOf(name, labels);
    series.times.push(...times, now);
    series.values.push(...values, 0);
    thin(series, now);
  }

  return {
    record(samples, at) {
      for (const { name, labels, value } of samples) {
        const series = seriesOf(name, labels);
        if (series.values.at(-1) === value) continue;
        series.times.push(at);
        series.values.push(value);
        if (series.times.length % thinEvery === 0) thin(series, at);
      }
    },
    series: (name) => all.get(name)?.values() ?? [],
    snapshot: () => [...all.values()].flatMap((family) => [...family.values()]),
  };
}

/**
 * By how much a counter grew between two times; a value that falls is a counter that began anew.
 * Before its first sample a counter stood at zero.
 */
export function increaseOf({ times, values }: SeriesHistory, from: number, to: number): number {
  let index = firstAfter(times, from);
  let before = index === 0 ? 0 : (values[index - 1] ?? 0);
  let sum = 0;
  for (; index < times.length && (times[index] ?? 0) <= to; index++) {
    const value = values[index] ?? 0;
    sum += value >= before ? value - before : value;
    before = value;
  }
  return sum;
}

/** The index of the first time that is later than `time`. */
function firstAfter(times: readonly number[], time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function thin(series: SeriesHistory, now: number): void {
  const { times, values } = series;
  let kept = 0;
  times.forEach((time, index) => {
    const next = times[index + 1];
    // The last sample before the oldest that counts says where that one began.
    if (next !== undefined && next < now - forgetAfterMs) return;
    const everyMs = tiers.findLast(({ afterMs }) => time < now - afterMs)?.everyMs;
    const followed =
      everyMs !== undefined &&
      next !== undefined &&
      Math.floor(next / everyMs) === Math.floor(time / everyMs) &&
      // A fall must stay visible: what was counted before it would be lost.
      (values[index + 1] ?? 0) >= (values[index] ?? 0);
    if (followed) return;
    times[kept] = time;
    values[kept] = values[index] ?? 0;
    kept++;
  });
  times.length = kept;
  values.length = kept;
}
