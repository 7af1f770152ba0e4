interface Family {
  /** The lines with its name, help and type. */
  readonly comments: string[];
  /** Values by name and labels. */
  readonly series: Map<string, number>;
}

/** Adds up texts in the Prometheus format, series by series: the metrics of several processes as one. */
export function sumMetrics(texts: readonly string[]): string {
  const families = new Map<string, Family>();
  for (const text of texts) {
    let family: Family = { comments: [], series: new Map() };
    for (const line of text.split('\n')) {
      const name = /^# (?:HELP|TYPE) (\S+)/.exec(line)?.[1];
      if (name !== undefined) {
        const known = families.get(name);
        family = known ?? { comments: [], series: new Map() };
        families.set(name, family);
        if (!family.comments.includes(line)) family.comments.push(line);
      } else if (line !== '' && !line.startsWith('#')) {
        const space = line.lastIndexOf(' ');
        const series = line.slice(0, space);
        const value = Number(line.slice(space + 1));
        family.series.set(series, (family.series.get(series) ?? 0) + value);
      }
    }
  }
  return write([...families.values()]);
}

/** What only grows of a text: without gauges, which a process takes with it when it ends. */
export function countersOf(text: string): string {
  let isGauge = false;
  return text
    .split('\n')
    .filter((line) => {
      // The help stands before the type.
      if (line.startsWith('# HELP ')) return false;
      const type = /^# TYPE \S+ (\S+)/.exec(line)?.[1];
      if (type !== undefined) isGauge = type === 'gauge';
      return !isGauge;
    })
    .join('\n');
}

function write(families: readonly Family[]): string {
  const lines = families.flatMap(({ comments, series }) => [
    ...comments,
    ...[...series].map(([name, value]) => `${name} ${value}`),
  ]);
  return lines.map((line) => `${line}\n`).join('');
}
