import uPlot from 'uplot';
import { colorOf, usePlot } from './use-plot.ts';

const paths = uPlot.paths.bars?.({ size: [0.8] });
const height = 21;
/** Of the height: less would not be seen. */
const least = 0.075;

/** A small chart without axes: how often a function was invoked over the window, and how often in vain. */
export function Spark({
  values,
  failures,
  label,
}: {
  values: readonly number[];
  failures: readonly number[];
  label: string;
}) {
  const place = usePlot((element) => draw(element, values, failures), [values, failures]);
  return <div ref={place} class="spark" role="img" aria-label={label} />;
}

function draw(element: HTMLElement, values: readonly number[], failures: readonly number[]): uPlot {
  const most = Math.max(1, ...values);
  const seen = (value: number) => (value === 0 ? 0 : Math.max(value, most * least));
  const bars = (color: string) => ({
    ...(paths && { paths }),
    points: { show: false },
    stroke: colorOf(element, color),
    fill: colorOf(element, color),
    width: 0,
  });
  return new uPlot(
    {
      width: element.clientWidth,
      height,
      axes: [{ show: false }, { show: false }],
      cursor: { show: false },
      legend: { show: false },
      padding: [0, 0, 0, 0],
      scales: {
        x: { time: false, range: [-0.5, Math.max(1, values.length) - 0.5] },
        y: { range: [0, most] },
      },
      series: [{}, bars('accent'), bars('bad')],
    },
    [values.map((_, index) => index), values.map(seen), failures.map(seen)],
    element,
  );
}
