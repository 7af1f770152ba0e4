import uPlot from 'uplot';
import { colorOf, usePlot } from './use-plot.ts';

/** One line of a chart. */
export interface ChartLine {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** The name of a colour of the style sheet, without `--`. */
  readonly color: string;
  readonly fill?: boolean;
}

const height = 200;

/** Values over time, with a legend that follows the pointer. Redrawn when the colours change. */
export function Chart({
  times,
  lines,
  format,
  label,
}: {
  times: readonly number[];
  lines: readonly ChartLine[];
  format: (value: number) => string;
  label: string;
}) {
  const place = usePlot(
    (element) => {
      const color = (name: string) => colorOf(element, name);
      const axis = { stroke: color('muted'), grid: { stroke: color('line'), width: 1 } };
      return new uPlot(
        {
          width: element.clientWidth,
          height,
          axes: [axis, { ...axis, size: 64, values: (_, marks) => marks.map(format) }],
          scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.1, Number.EPSILON)] } },
          series: [
            {},
            ...lines.map((line) => ({
              label: line.label,
              stroke: color(line.color),
              width: 2,
              // A single moment would not be seen without.
              points: { show: line.values.filter((value) => value !== null).length < 3, size: 5 },
              ...(line.fill === true ? { fill: `${color(line.color)}33` } : {}),
              value: (_: uPlot, value: number | null) => (value === null ? '–' : format(value)),
            })),
          ],
        },
        [[...times], ...lines.map(({ values }) => [...values])],
        element,
      );
    },
    [times, lines],
  );
  return <div ref={place} class="chart" role="img" aria-label={label} />;
}
