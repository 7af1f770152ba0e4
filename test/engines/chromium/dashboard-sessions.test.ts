import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { accessibilityProblems, signIn } from '../../helpers/chromium.ts';
import { deploymentsOn } from '../../helpers/deployments.ts';
import { eventually } from '../../helpers/eventually.ts';
import { send as sendTo } from '../../helpers/http-client.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import type { PlatformProcess } from '../../helpers/platform-process.ts';
import { openDashboard } from './open-dashboard.ts';

interface Sending {
  readonly token?: string;
  readonly cookie?: string;
  /** Makes it a POST. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request to the API that no browser sends. */
function send(
  { port }: PlatformProcess,
  question: string,
  { token, cookie, body, headers = {} }: Sending,
): Promise<{ status: number; body: string }> {
  return sendTo(port, `/dashboard/api/${question}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      host: `system.localhost:${port}`,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(cookie === undefined ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
}

describeWith(['chromium'], 'the dashboard in a browser', function () {
  this.timeout(240_000);
  let platform: PlatformProcess;
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  let close: () => Promise<void>;
  const on = deploymentsOn(() => platform);
  const home = () => `http://system.localhost:${platform.port}/dashboard/`;
  before(async () => {
    ({ platform, browser, page, complaints, close } = await openDashboard('bob', 'till', ['till']));
  });
  after(() => close());
  afterEach(() => {
    expect(complaints).to.deep.equal([]);
  });

  it('makes tokens that reach the API as far as they may, until they are revoked', async () => {
    await page.goto(`${home()}bob/settings`);
    await page.getByRole('textbox', { name: 'Name' }).fill('from a test');
    await page.getByRole('button', { name: 'Make a token' }).click();
    const token = (await page.locator('code', { hasText: /^ofc_/ }).textContent()) ?? '';
    const listed = await send(platform, 'functions?owner=bob', { token });
    expect(listed.status, listed.body).to.equal(200);
    expect((await send(platform, 'functions?owner=alice', { token })).status).to.equal(404);
    const body = '{"owner":"bob","function":"till"}';
    expect((await send(platform, 'delete-function', { token, body })).status).to.equal(403);
    await page.getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.locator('dialog[open]').getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('You have no tokens.').waitFor();
    await eventually(async () => {
      const { status } = await send(platform, 'functions?owner=bob', { token });
      expect(status).to.equal(401);
    });
  });

  it('shows where somebody is signed in, and signs them out there', async () => {
    const other = await browser.newContext({ userAgent: 'Mozilla/5.0 (X11; Linux) Firefox/140.0' });
    const there = await other.newPage();
    await signIn(there, home(), 'bob');
    await there.waitForSelector('table.rows');
    await page.goto(`${home()}bob/settings`);
    const sessions = page.locator('section.card', { hasText: 'Where you are signed in' });
    const firefox = sessions.locator('tbody tr', { hasText: 'Firefox on Linux' });
    await firefox.waitFor();
    expect(await sessions.locator('tr', { hasText: 'this one' }).count()).to.equal(1);
    expect(await accessibilityProblems(page, '.badge.live')).to.deep.equal([]);
    await firefox.getByRole('button', { name: 'Sign out' }).click();
    await page.locator('dialog[open]').getByRole('button', { name: 'Sign out' }).click();
    await firefox.waitFor({ state: 'detached' });
    const meOn = (tab: Page) =>
      tab.evaluate(async (url) => (await fetch(url)).status, `${home()}api/me`);
    await eventually(async () => expect(await meOn(there)).to.equal(401));
    expect(await meOn(page)).to.equal(200);
    await other.close();
  });

  it('takes no action that another page sends with the session', async () => {
    const cookie = (await page.context().cookies())
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    const body = '{"owner":"bob","function":"till"}';
    const origin = `http://alice.localhost:${platform.port}`;
    for (const headers of [
      { origin },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site', origin },
      {},
    ]) {
      const answer = await send(platform, 'delete-function', { cookie, body, headers });
      expect(answer.status, JSON.stringify(headers)).to.equal(403);
    }
    const own = { origin: `http://system.localhost:${platform.port}` };
    const simple = { ...own, 'content-type': 'text/plain' };
    const plain = await send(platform, 'delete-function', { cookie, body, headers: simple });
    expect(plain.status).to.equal(415);
    expect((await on.call('bob', '/till')).text).to.equal('till');
  });
});
