import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/**
 * Where a chart is to be: it is drawn again when one of `inputs` or the colours change, and is as wide as its
 * element.
 *
 * @param draw Makes the chart in an element.
 */
export function usePlot(
  draw: (element: HTMLElement) => uPlot,
  inputs: readonly unknown[],
): RefObject<HTMLDivElement | null> {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    let plot = draw(element);
    const redraw = () => {
      plot.destroy();
      plot = draw(element);
    };
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', redraw);
    const size = new ResizeObserver(() => {
      const { clientWidth: width } = element;
      if (width !== plot.width) plot.setSize({ width, height: plot.height });
    });
    size.observe(element);
    return () => {
      dark.removeEventListener('change', redraw);
      size.disconnect();
      plot.destroy();
    };
  }, inputs);
  return place;
}

/** A colour of the style sheet as it is now, by its name without `--`. */
export function colorOf(element: HTMLElement, name: string): string {
  return getComputedStyle(element).getPropertyValue(`--${name}`).trim();
}
