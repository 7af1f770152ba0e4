import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { accessibilityProblems } from '../../helpers/chromium.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import { openDashboard } from './open-dashboard.ts';

const began = Date.parse('2026-11-26T19:00:00Z');
/** A log as the dashboard's API sends it, two lines each second. */
const eventsOf = (lines: readonly string[]) =>
  lines
    .map((text, n) => {
      const timestamp = new Date(began + Math.floor(n / 2) * 1000).toISOString();
      return `data: ${JSON.stringify({ timestamp, instance: 'log-1', text })}\n\n`;
    })
    .join('');

const onDay = (line: string) => `2026-11-26 ${line}`;
const levels = ['debug', 'info', 'warn', 'error'];
const hostile = '<img src=x onerror=alert(1)>';

describeWith(['chromium'], "a function's log in a browser", function () {
  this.timeout(120_000);
  let page: Page;
  let complaints: string[];
  /** What the API answers; the page asks again when the answer is over. */
  let events = '';
  let close: () => Promise<void>;

  before(async () => {
    const opened = await openDashboard('carol', 'log', ['log']);
    ({ page, complaints, close } = opened);
    await page.waitForSelector('table.rows');
    await page.route('**/dashboard/api/function-log?**', (route) =>
      route.fulfill({ contentType: 'text/event-stream', body: events }),
    );
    const { port } = opened.platform;
    await page.goto(`http://system.localhost:${port}/dashboard/carol/functions/log`);
  });
  after(() => close());
  afterEach(() => {
    expect(complaints).to.deep.equal([]);
  });

  /** Opens the page anew, with these lines. */
  const show = async (lines: readonly string[]) => {
    events = eventsOf(lines);
    await page.evaluate("history.replaceState(null, '', location.pathname)");
    await page.reload();
    await page.getByText(`${lines.length} lines`).waitFor();
  };
  const line = (text: string) => page.locator('.line', { hasText: text });

  it('has JSON lines in the order people read them, and raw by the keyboard', async () => {
    const json =
      '{"path":"/x","message":"Hello","level":"error","time":"2026-11-26T19:00:00.250Z"}';
    await show([json, 'plain {"a":1}']);
    const read = '2026-11-26 19:00:00.250  log-1  error  Hello  path=/x';
    await line(read).waitFor();
    await line('plain {"a":1}').waitFor();
    await page.getByLabel('Filter lines').fill('path=/x');
    await page.getByText('1 of 2 lines').waitFor();
    await page.getByLabel('Filter lines').fill('');
    await page.getByLabel('Follow').focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await line(`2026-11-26 19:00:00  log-1  ${json}`).waitFor();
    await page.keyboard.press('Space');
    await line(read).waitFor();
  });

  it('shows each line once, though some have the same time and the connection breaks', async () => {
    const again = page.waitForRequest('**/dashboard/api/function-log?**since=2026-11-26T19**');
    await show(['first', 'second', 'third']);
    await again;
    events = eventsOf(['first', 'second', 'third', 'fourth', 'fifth']);
    await page.getByText('5 lines').waitFor();
    expect(await page.locator('.line code').allTextContents()).to.deep.equal([
      ...['19:00:00  log-1  first', '19:00:00  log-1  second', '19:00:01  log-1  third'].map(onDay),
      ...['19:00:01  log-1  fourth', '19:00:02  log-1  fifth'].map(onDay),
    ]);
  });

  it('takes no line for HTML', async () => {
    await show([
      hostile,
      JSON.stringify({ level: hostile, message: hostile, time: hostile, [hostile]: hostile }),
      `{"__proto__":{"message":"x"},"n":12345678901234567890,"message":"end"}`,
    ]);
    await line('end  __proto__={"message":"x"} n=12345678901234567890').waitFor();
    expect(await page.locator('.lines').innerText()).to.contain(`${hostile}  ${hostile}  time=`);
    expect(await page.locator('.lines img').count()).to.equal(0);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`can be read in every level (${colorScheme})`, async () => {
      await page.emulateMedia({ colorScheme });
      await show(levels.map((level) => JSON.stringify({ level, message: 'a', other: 1 })));
      // The line that an address points to has a ground of its own; what is muted has the least contrast there.
      await page.evaluate("location.hash = '#L1'");
      expect(await accessibilityProblems(page, '.target .level.muted')).to.deep.equal([]);
      expect(await page.locator('.level').allTextContents()).to.deep.equal(levels);
    });
  }

  it('shows 50,000 JSON lines without putting them all into the page', async () => {
    const of = (n: number) => JSON.stringify({ level: levels[n % 4], message: `line ${n + 1}`, n });
    await show(Array.from({ length: 50_000 }, (_, n) => of(n)));
    await line('line 50000  n=49999').waitFor();
    expect(await page.locator('.line').count()).to.be.within(10, 150);
    await page.getByLabel('Filter lines').fill('n=4999');
    await page.getByText('11 of 50000 lines').waitFor();
    await line('line 50000  n=49999').waitFor();
    expect(await page.locator('.line').count()).to.equal(11);
  });
});
