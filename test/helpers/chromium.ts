import { createRequire } from 'node:module';
import { type Browser, chromium, type Page } from 'playwright-core';

const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts Debian's Chromium, with a new profile. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: '/usr/bin/chromium', args });
}

/** What a page complains about: errors of its scripts, and what its policies refused. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return complaints;
}

/** Signs in at the platform's own git server, which asks for a name only. */
export async function signIn(page: Page, url: string, login: string): Promise<void> {
  await page.goto(url);
  await page.fill('input[name=user]', login);
  await page.press('input[name=user]', 'Enter');
  await page.waitForURL((now) => now.hostname === new URL(url).hostname);
}

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

/**
 * What axe finds wrong with a page for people who use it by keyboard or screen reader.
 *
 * @param ready What must be on the page before it is looked at.
 */
export async function accessibilityProblems(page: Page, ready: string): Promise<string[]> {
  // By the debugging protocol: the page's own policy lets no foreign script in.
  const session = await page.context().newCDPSession(page);
  await session.send('Page.setBypassCSP', { enabled: true });
  await page.reload();
  await page.waitForSelector(ready);
  await page.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') });
  const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
  await session.send('Page.setBypassCSP', { enabled: false });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary ?? ''}`),
  );
}
