import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { accessibilityProblems, signIn } from '../../helpers/chromium.ts';
import { answering, deploymentsOn } from '../../helpers/deployments.ts';
import { eventually } from '../../helpers/eventually.ts';
import type { GitRepo } from '../../helpers/git-repo.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import type { PlatformProcess } from '../../helpers/platform-process.ts';
import { openDashboard } from './open-dashboard.ts';

describeWith(['chromium'], 'the dashboard in a browser', function () {
  this.timeout(240_000);
  let platform: PlatformProcess;
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  let repo: GitRepo;
  const on = deploymentsOn(() => platform);
  const home = () => `http://system.localhost:${platform.port}/dashboard/`;

  let close: () => Promise<void>;
  before(async () => {
    const opened = await openDashboard('alice', 'shop', ['cart', 'pay']);
    ({ platform, browser, page, complaints, repo, close } = opened);
  });
  after(() => close());
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
    await page.locator('.log .line', { hasText: 'status=200' }).first().waitFor();
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

  it('tries a function', async () => {
    await page.goto(`${home()}alice/functions/pay`);
    await page.getByText('Try it').click();
    await page.getByLabel('Path').fill('/?amount=1');
    await page.getByRole('button', { name: 'Send' }).click();
    const answer = page.locator('.answer');
    await answer.waitFor();
    expect(await answer.textContent()).to.include('pay');
    await page.getByText('Image and provenance').click();
    await page.locator('img[alt="Badge of pay"]').waitFor();
    const command = page.locator('code', { hasText: 'faas-cli deploy --name pay --image' });
    expect(await command.textContent()).to.match(/@sha256:[0-9a-f]{64}/);
  });

  /** Opens the newest deployment whose row holds a text. */
  const openPush = async (text: string) => {
    await page.goto(`${home()}alice/deployments`);
    await page.locator('.pushes a.main', { hasText: text }).first().click();
    await page.locator('.steps').waitFor();
  };
  const confirm = async (button: string) => {
    await page.getByRole('button', { name: button, exact: true }).click();
    await page.locator('dialog[open]').getByRole('button', { name: button }).click();
  };

  it('rolls back, and a later push wins', async () => {
    const first = await on.push(repo, { 'cart/handler.ts': answering('first cart') });
    await on.completed('alice', 'shop', first);
    const second = await on.push(repo, { 'cart/handler.ts': answering('second cart') });
    await on.completed('alice', 'shop', second);
    expect((await on.call('alice', '/cart')).text).to.equal('second cart');
    await openPush(first.slice(0, 7));
    await confirm('Roll back to this');
    await page.locator('.steps li', { hasText: 'roll-back to' }).waitFor();
    await page.locator('.title .badge.live').waitFor();
    expect((await on.call('alice', '/cart')).text).to.equal('first cart');
    await page.goto(`${home()}alice/audit`);
    await page.locator('td', { hasText: `rolled back to ${first.slice(0, 7)}` }).waitFor();
    const third = await on.push(repo, { 'cart/handler.ts': answering('third cart') });
    await on.completed('alice', 'shop', third);
    expect((await on.call('alice', '/cart')).text).to.equal('third cart');
  });

  it('deletes a function after its name was typed, and the list follows by itself', async () => {
    const list = await page.context().newPage();
    await list.goto(`${home()}alice`);
    await list.locator('tbody th a', { hasText: 'pay' }).first().waitFor();
    await page.goto(`${home()}alice/functions/pay`);
    await page.getByRole('button', { name: 'Delete the function' }).click();
    const dialog = page.locator('dialog[open]');
    const button = dialog.getByRole('button', { name: 'Delete the function' });
    expect(await button.isDisabled()).to.equal(true);
    await dialog.locator('input').fill('pay');
    await button.click();
    await page.waitForURL('**/dashboard/alice');
    await list.locator('tbody th a', { hasText: 'pay' }).first().waitFor({ state: 'detached' });
    await list.close();
    expect((await on.call('alice', '/pay')).status).to.equal(404);
    // Nothing else of the owner has gone.
    expect((await on.call('alice', '/cart')).text).to.include('cart');
    await page.goto(`${home()}alice/deployments`);
    await page.waitForSelector('.pushes li');
    await on.push(repo, {}, 'Bring it back');
    await eventually(async () => expect((await on.call('alice', '/pay')).text).to.equal('pay'), {
      timeoutMs: 60_000,
    });
  });

  it('shows 50,000 lines without putting them all into the page', async () => {
    const lines = Array.from({ length: 50_000 }, (_, n) => `\u001b[32mline\u001b[0m ${n + 1}`);
    await page.route('**/dashboard/api/build-log?**', (route) =>
      route.fulfill({ contentType: 'text/plain', body: `${lines.join('\n')}\n` }),
    );
    // What was built before has no log.
    const built = await on.push(repo, { 'cart/handler.ts': answering('a cart with a log') });
    await on.completed('alice', 'shop', built);
    await openPush(built.slice(0, 7));
    await page.getByText('50000 lines').waitFor();
    await page.locator('.line', { hasText: 'line 50000' }).waitFor();
    expect(await page.locator('.line').count()).to.be.within(10, 150);
    await page.evaluate("location.hash = '#L25000'");
    await page.locator('.line.target', { hasText: 'line 25000' }).waitFor();
    await page.getByLabel('Filter lines').fill('line 4999');
    await page.getByText('11 of 50000 lines').waitFor();
    expect(await page.locator('.line').count()).to.equal(11);
    await page.unroute('**/dashboard/api/build-log?**');
  });

  it('shows the platform to its operators and to nobody else', async () => {
    await page.goto(`${home()}alice/platform`);
    await page.locator('.empty').waitFor();
    await eventually(() => expect(complaints).to.have.length(2));
    expect(complaints.splice(0).every((text) => text.includes('403'))).to.equal(true);
    const context = await browser.newContext();
    const admin = await context.newPage();
    admin.setDefaultTimeout(30_000);
    await signIn(admin, home(), 'admin');
    await admin.getByRole('link', { name: 'Platform' }).click();
    await admin.getByText('Waiting in the queue').waitFor();
    await admin.locator('.pushes .badge.ok').first().waitFor();
    await admin.goto(`${home()}admin/audit`);
    await admin.getByLabel('The whole platform').check();
    await admin.locator('td', { hasText: 'alice deleted the function pay' }).first().waitFor();
    expect(await accessibilityProblems(admin, 'table.rows, .empty')).to.deep.equal([]);
    await admin.goto(`${home()}admin/platform`);
    await admin.locator('.pushes .badge.ok').first().waitFor();
    expect(await accessibilityProblems(admin, '.pushes .badge.ok')).to.deep.equal([]);
    await context.close();
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
      for (const path of [
        'alice',
        'alice/functions/cart',
        'alice/deployments',
        'alice/audit',
        'alice/settings',
        'nobody',
      ]) {
        await page.goto(`${home()}${path}`);
        const ready = 'table.rows, dl.facts, ul.pushes, form.bar, .empty';
        await page.waitForSelector(ready);
        expect(await accessibilityProblems(page, ready), path).to.deep.equal([]);
      }
      await openPush('shop');
      expect(await accessibilityProblems(page, '.steps'), 'a deployment').to.deep.equal([]);
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
