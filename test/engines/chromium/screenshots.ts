/**
 * Takes a picture of each page of the dashboard, light and dark, on a wide screen and a phone:
 * `npx tsx test/engines/chromium/screenshots.ts <folder>`. It starts a platform of its own.
 *
 * @module
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { signIn, startChromium } from '../../helpers/chromium.ts';
import { answering, deploymentsOn, stackFile } from '../../helpers/deployments.ts';
import { startPlatformProcess } from '../../helpers/platform-process.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const screens = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
const failing = `export default async (event: { query: Record<string, string> }) => {
  console.log('\\u001b[32mpaying\\u001b[0m', event.query['amount'] ?? 'nothing');
  if (event.query['amount'] === undefined) throw new Error('There is no amount.');
  return 'paid';
};
`;

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Say where the pictures go: screenshots.ts <folder>');
await mkdir(folder, { recursive: true });
const data = await tempDir();
const platform = await startPlatformProcess(data.path, ['--port', '0', '--operators', 'alice']);
const browser = await startChromium();
try {
  const on = deploymentsOn(() => platform);
  const repo = await on.repo('alice', 'shop');
  const files = {
    'stack.yml': stackFile('cart', 'pay', 'search'),
    'cart/handler.ts': answering('cart'),
    'pay/handler.ts': failing,
    'search/handler.ts': answering('found'),
  };
  for (const change of [files, { 'cart/handler.ts': answering('better cart') }]) {
    await on.completed('alice', 'shop', await on.push(repo, change));
  }
  for (let n = 0; n < 120; n++) {
    const name = ['cart', 'cart', 'search', 'pay?amount=1', 'cart', 'pay'][n % 6] ?? '';
    await on.call('alice', `/${name}`);
  }
  const broken = await on.push(repo, { 'search/handler.ts': 'export default async () => {' });
  await on.completed('alice', 'shop', broken);
  await repo.remove();

  const home = `http://system.localhost:${platform.port}/dashboard/`;
  const page = await (await browser.newContext()).newPage();
  await signIn(page, home, 'alice');
  await page.goto(`${home}alice/deployments`);
  const newest = await page.locator('.pushes a.main').first().getAttribute('href');
  const pages = {
    functions: [`${home}alice`, 'table.rows'],
    function: [`${home}alice/functions/pay`, 'main:has(.charts canvas) .log .line'],
    deployments: [`${home}alice/deployments`, '.pushes'],
    deployment: [new URL(newest ?? '', home).href, '.log .line'],
    audit: [`${home}alice/audit`, 'table.rows'],
    settings: [`${home}alice/settings`, '.rows .badge.live'],
    platform: [`${home}alice/platform`, '.pushes .badge.ok'],
    nothing: [`${home}somebody`, '.empty'],
  } as const;
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const [screen, size] of Object.entries(screens)) {
      await page.setViewportSize(size);
      for (const [name, [url, ready]] of Object.entries(pages)) {
        await page.goto(url);
        await page.locator(ready).first().waitFor();
        const path = join(folder, `${name}-${screen}-${colorScheme}.png`);
        await page.screenshot({ path, fullPage: true });
        process.stdout.write(`${path}\n`);
      }
    }
  }
} finally {
  await browser.close();
  await platform.stop();
  await data.remove();
}
