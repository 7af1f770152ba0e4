import {
  observeWindowOffset,
  observeWindowRect,
  Virtualizer,
  windowScroll,
} from '@tanstack/virtual-core';
import type { RefObject } from 'preact';
import { useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';

/** Rows above and below those in sight that are there already when somebody scrolls. */
const overscan = 15;

/** The rows of a long list that are in the page, and how much room the others take. */
export interface WindowList {
  readonly rows: readonly { readonly index: number }[];
  readonly measure: (row: HTMLElement | null) => void;
  readonly abovePx: number;
  readonly belowPx: number;
}

/**
 * Puts only those rows of a long list into the page that are in sight as the page scrolls.
 *
 * @param place What holds the rows.
 * @param rowPx How high a row is until it is measured.
 */
export function useWindowList(
  place: RefObject<HTMLElement | null>,
  count: number,
  rowPx: number,
): WindowList {
  const [, show] = useReducer((n: number) => n + 1, 0);
  const top = useRef(0);
  const options = {
    count,
    overscan,
    scrollMargin: top.current,
    initialRect: { width: innerWidth, height: innerHeight },
    getScrollElement: () => window,
    estimateSize: () => rowPx,
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    scrollToFn: windowScroll,
    onChange: () => show(undefined),
  };
  const [list] = useState(() => new Virtualizer<Window, HTMLElement>(options));
  list.setOptions(options);
  useLayoutEffect(() => list._didMount(), [list]);
  useLayoutEffect(() => {
    list._willUpdate();
    const now = (place.current?.getBoundingClientRect().top ?? 0) + scrollY;
    if (Math.abs(now - top.current) < 1) return;
    top.current = now;
    show(undefined);
  });
  const rows = list.getVirtualItems();
  const first = rows[0];
  const last = rows.at(-1);
  return {
    rows,
    measure: list.measureElement,
    abovePx: first === undefined ? 0 : first.start - top.current,
    belowPx: last === undefined ? 0 : list.getTotalSize() - (last.end - top.current),
  };
}
