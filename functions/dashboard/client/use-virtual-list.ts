import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
} from '@tanstack/virtual-core';
import type { RefObject } from 'preact';
import { useLayoutEffect, useReducer, useState } from 'preact/hooks';

/** Rows above and below those in sight that are there already when somebody scrolls. */
const overscan = 20;

/**
 * Shows only those rows of a long list that are in sight, whatever their height.
 *
 * @param scroller What scrolls.
 * @param rowPx How high a row is until it is measured.
 */
export function useVirtualList(
  scroller: RefObject<HTMLElement | null>,
  count: number,
  rowPx: number,
): Virtualizer<HTMLElement, HTMLElement> {
  const [, show] = useReducer((n: number) => n + 1, 0);
  const options = {
    count,
    overscan,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => show(undefined),
  };
  const [list] = useState(() => new Virtualizer<HTMLElement, HTMLElement>(options));
  list.setOptions(options);
  useLayoutEffect(() => list._didMount(), [list]);
  useLayoutEffect(() => list._willUpdate());
  return list;
}
