import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import {
  accessibilityProblems,
  complaintsOf,
  signIn,
  startChromium,
} from '../../helpers/chromium.ts';
import { answering, deploymentsOn, stackFile } from '../../helpers/deployments.ts';
import type { GitRepo } from '../../helpers/git-repo.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import type { PlatformProcess } from '../../helpers/platform-process.ts';
import { sharedPlatform } from '../../helpers/shared-platform.ts';

describeWith(['chromium'], 'the dashboard in a browser', function () {
  this.timeout(240_000);
  let platform: PlatformProcess;
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  let repo: GitRepo;
  const on = deploymentsOn(() => platform);
  const home = () => `http://system.localhost:${platform.port}/dashboard/`;

  before(async () => {
    platform = await sharedPlatform();
    repo = await on.repo('alice', 'shop');
    const sha = await on.push(repo, {
      'stack.yml': stackFile('cart', 'pay'),
      'cart/handler.ts': answering('cart'),
      'pay/handler.ts': answering('pay'),
    });
    await on.completed('alice', 'shop', sha);
    browser = await startChromium();
    page = await browser.newPage();
    page.setDefaultTimeout(30_000);
    complaints = complaintsOf(page);
    await signIn(page, home(), 'alice');
  });
  after(async () => {
    await browser.close();
    await repo.remove();
  });
  afterEach(() => {
    expect(complaints).to.deep.equal([]);
  });

  it('shows the functions of who signed in, found by a search', async () => {
    await page.waitForURL('**/dashboard/alice');
    await page.waitForSelector('table.rows tbody tr');
    const names = () => page.locator('tbody th a:first-child').allTextContents();
    expect(await names()).to.have.members(['cart', 'pay']);
    await page.fill('input[type=search]', 'car');
    expect(await names()).to.deep.equal(['cart']);
  });

  it('shows one function with its requests and its log as it grows', async () => {
    await page.goto(`${home()}alice/functions/cart`);
    await page.waitForSelector('dl.facts');
    expect((await on.call('alice', '/cart')).text).to.equal('cart');
    await page.locator('.log .line', { hasText: '"status":200' }).first().waitFor();
    await page.locator('.chart canvas').first().waitFor();
  });

  it('shows a push as it goes live, without a reload', async () => {
    await page.goto(`${home()}alice/deployments`);
    await page.waitForSelector('.pushes .badge.live');
    const sha = await on.push(repo, { 'cart/handler.ts': answering('new cart') });
    await page.locator('.pushes li', { hasText: sha.slice(0, 7) }).click({ trial: true });
    await page
      .locator('.pushes li', { hasText: sha.slice(0, 7) })
      .locator('.badge.live')
      .waitFor({ timeout: 60_000 });
    await page.locator('.pushes a.main', { hasText: sha.slice(0, 7) }).click();
    await page.locator('.log .line', { hasText: 'digest: sha256' }).waitFor();
    expect(await page.locator('.steps li').last().textContent()).to.include('stack: live');
  });

  it('says why a build failed, with its log', async () => {
    const sha = await on.push(repo, { 'pay/handler.ts': 'export default async () => {' });
    await on.completed('alice', 'shop', sha);
    await page.goto(`${home()}alice/deployments`);
    await page.locator('.pushes a.main', { hasText: sha.slice(0, 7) }).click();
    await page.locator('.log .line', { hasText: 'handler.ts' }).first().waitFor();
    await page.locator('.badge.failed').first().waitFor();
    await on.push(repo, { 'pay/handler.ts': answering('pay') });
  });

  it("has nothing on the page of somebody else's", async () => {
    await page.goto(`${home()}bob`);
    await page.locator('.empty').waitFor();
    expect(await page.locator('.empty').textContent()).to.include('nothing at this address');
    // The browser notes the 404 itself; that is what the page expected.
    expect(complaints.splice(0).every((text) => text.includes('404'))).to.equal(true);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`can be used without a mouse and by ear (${colorScheme})`, async () => {
      await page.emulateMedia({ colorScheme });
      for (const path of ['alice', 'alice/functions/cart', 'alice/deployments', 'nobody']) {
        await page.goto(`${home()}${path}`);
        const ready = 'table.rows, dl.facts, ul.pushes, .empty';
        await page.waitForSelector(ready);
        expect(await accessibilityProblems(page, ready), path).to.deep.equal([]);
      }
      complaints.splice(0);
    });
  }

  it('is small: the first page takes under 100 KB', async () => {
    const fresh = await browser.newPage();
    const session = await fresh.context().newCDPSession(fresh);
    await session.send('Network.enable');
    let bytes = 0;
    session.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    await signIn(fresh, home(), 'alice');
    await fresh.waitForSelector('table.rows');
    expect(bytes).to.be.within(1000, 100_000);
    await fresh.close();
  });
});
