/** Label values of one series, by label name. */
export type Labels = Readonly<Record<string, string>>;

/** A number that only grows. */
export interface Counter {
  increment(labels: Labels): void;
  /** The sum over all series that carry `labels`. */
  sum(labels: Labels): number;
}

/** A number that is asked for when metrics are read. */
export type GaugeReader = () => Iterable<readonly [Labels, number]>;

/** Counts of observations by upper bound, with their sum. */
export interface Histogram {
  observe(labels: Labels, value: number): void;
}

/** One counter's value now. */
export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

/** The metrics of one process in Prometheus' text format. */
export interface MetricsRegistry {
  counter(name: string, help: string): Counter;
  gauge(name: string, help: string, read: GaugeReader): void;
  /** @param bounds Upper bounds, ascending; those of Prometheus' client for Go unless given. */
  histogram(name: string, help: string, bounds?: readonly number[]): Histogram;
  render(): string;
  /** Every counter, and every bucket of a histogram. */
  samples(): Iterable<Sample>;
}

/** `prometheus.DefBuckets` of the Go client, in seconds. */
const defaultBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Makes a {@link MetricsRegistry}.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function createMetricsRegistry(): MetricsRegistry {
  const families: (() => string)[] = [];
  const sampled: (() => Iterable<Sample>)[] = [];
  const family = (name: string, help: string, type: string, series: () => string): void => {
    families.push(() => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${series()}`);
  };

  return {
    counter(name, help) {
      const series = new Map<string, { labels: Labels; value: number }>();
      family(name, help, 'counter', () =>
        [...series].map(([text, { value }]) => line(name, text, value)).join(''),
      );
      sampled.push(() => Array.from(series.values(), (entry) => ({ name, ...entry })));
      return {
        increment(labels) {
          const text = format(labels);
          const entry = series.get(text);
          if (entry === undefined) series.set(text, { labels, value: 1 });
          else entry.value++;
        },
        sum(wanted) {
          let sum = 0;
          for (const { labels, value } of series.values()) {
            if (Object.entries(wanted).every(([key, text]) => labels[key] === text)) sum += value;
          }
          return sum;
        },
      };
    },
    gauge(name, help, read) {
      family(name, help, 'gauge', () =>
        Array.from(read(), ([labels, value]) => line(name, format(labels), value)).join(''),
      );
    },
    histogram(name, help, bounds = defaultBounds) {
      const series = new Map<string, { labels: Labels; counts: number[]; sum: number }>();
      family(name, help, 'histogram', () =>
        [...series]
          .map(([text, { counts, sum }]) => histogramLines(name, text, bounds, counts, sum))
          .join(''),
      );
      sampled.push(() =>
        [...series.values()].flatMap((entry) => bucketSamples(name, bounds, entry)),
      );
      return {
        observe(labels, value) {
          const text = format(labels);
          const counts = () => Array<number>(bounds.length + 1).fill(0);
          const entry = series.get(text) ?? { labels, counts: counts(), sum: 0 };
          series.set(text, entry);
          const found = bounds.findIndex((bound) => value <= bound);
          const index = found === -1 ? bounds.length : found;
          entry.counts[index] = (entry.counts[index] ?? 0) + 1;
          entry.sum += value;
        },
      };
    },
    render: () => families.map((render) => render()).join(''),
    samples: () => sampled.flatMap((read) => [...read()]),
  };
}

function bucketSamples(
  name: string,
  bounds: readonly number[],
  { labels, counts }: { labels: Labels; counts: readonly number[] },
): Sample[] {
  let value = 0;
  return counts.map((count, index) => {
    value += count;
    return { name: `${name}_bucket`, labels: { ...labels, le: boundOf(bounds, index) }, value };
  });
}

function boundOf(bounds: readonly number[], index: number): string {
  return String(bounds[index] ?? '+Inf');
}

function histogramLines(
  name: string,
  text: string,
  bounds: readonly number[],
  counts: readonly number[],
  sum: number,
): string {
  let total = 0;
  const lines = counts.map((count, index) => {
    total += count;
    const bound = `le="${boundOf(bounds, index)}"`;
    return line(`${name}_bucket`, text === '' ? bound : `${text},${bound}`, total);
  });
  return `${lines.join('')}${line(`${name}_sum`, text, sum)}${line(`${name}_count`, text, total)}`;
}

function line(name: string, labels: string, value: number): string {
  return `${name}${labels === '' ? '' : `{${labels}}`} ${value}\n`;
}

function format(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escapeCharacter)}"`)
    .join(',');
}

function escapeCharacter(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`;
}
