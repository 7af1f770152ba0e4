import type { Browser, Page } from 'playwright-core';

/** How a page came up, and how it scrolled. */
export interface Visit {
  /** From navigation until what people look for was there. */
  readonly usableMs: number;
  /** All that went over the wire until then. */
  readonly bytes: number;
  readonly elements: number;
  /** Of the main thread, while the page came up; 0: none over 50 ms. */
  readonly longestTaskMs: number;
  /** Computing time of the main thread until then: what other work on the machine does not change. */
  readonly threadMs: number;
  readonly scroll: {
    readonly longestTaskMs: number;
    readonly slowFrames: number;
    readonly frames: number;
    readonly threadMs: number;
  };
}

/** Runs before the page's own code. */
const watching = (selector: string) => `
  window.tasks = [];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.tasks.push(duration);
  }).observe({ type: 'longtask', buffered: true });
  const look = () => {
    if (window.usable === undefined && document.querySelector(${JSON.stringify(selector)}))
      requestAnimationFrame(() => { window.usable ??= performance.now(); });
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true });
`;

/** Scrolls for two seconds as fast as a hand does, down and up; gives what was slow. */
const scrolling = (selector: string) => `new Promise((done) => {
  const place = document.querySelector(${JSON.stringify(selector)}) ?? document.scrollingElement;
  window.tasks.length = 0;
  const frames = [];
  let last = performance.now();
  let at = 0;
  const step = (now) => {
    frames.push(now - last);
    last = now;
    at += 1;
    place.scrollTop += at <= 60 ? 80 : -80;
    if (at < 120) requestAnimationFrame(step);
    else done({
      longestTaskMs: Math.max(0, ...window.tasks),
      slowFrames: frames.filter((ms) => ms > 50).length,
      frames: frames.length,
    });
  };
  requestAnimationFrame(step);
})`;

/**
 * Opens a page in a browser that knows nothing of it yet.
 *
 * @param ready A selector of what people look for.
 * @param scroller A selector of what scrolls; the page, if there is no such thing.
 */
export async function visit(
  browser: Browser,
  url: string,
  ready: string,
  scroller: string,
): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    bypassCSP: true,
  });
  try {
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    const thread = async () => {
      const { metrics } = await session.send('Performance.getMetrics');
      return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0) * 1000;
    };
    let bytes = 0;
    session.on('Network.dataReceived', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    await page.addInitScript(watching(ready));
    await page.goto(url, { waitUntil: 'commit' });
    await page.waitForFunction('window.usable !== undefined', undefined, { timeout: 60_000 });
    const usableMs = await read(page, 'window.usable');
    const came = bytes;
    const threadMs = await thread();
    const longestTaskMs = await read(page, 'Math.max(0, ...window.tasks)');
    const elements = await read(page, 'document.querySelectorAll("*").length');
    const before = await thread();
    const scroll = (await page.evaluate(scrolling(scroller))) as Visit['scroll'];
    const scrollMs = (await thread()) - before;
    const scrolled = { ...scroll, threadMs: scrollMs };
    return { usableMs, threadMs, bytes: came, elements, longestTaskMs, scroll: scrolled };
  } finally {
    await context.close();
  }
}

async function read(page: Page, expression: string): Promise<number> {
  return (await page.evaluate(expression)) as number;
}
