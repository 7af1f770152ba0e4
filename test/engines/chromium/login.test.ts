import { expect } from 'chai';
import type { BrowserContext, Page } from 'playwright-core';
import { eventually } from '../../helpers/eventually.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import { type Edge, startEdge } from './edge.ts';

const system = 'https://system.example.com';

describeWith(['chromium'], 'log-in in a browser', function () {
  this.timeout(60_000);
  // Chromium drops what is under way when an interface comes or goes, as it does with a container
  // engine on the same machine (ERR_NETWORK_CHANGED).
  this.retries(1);
  let edge: Edge;
  const open: BrowserContext[] = [];
  before(async () => {
    edge = await startEdge();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((context) => context.close()));
  });
  after(() => edge.close());

  const browser = async (options?: Parameters<Edge['visitor']>[0]) => {
    const context = await edge.visitor(options);
    open.push(context);
    const page = await context.newPage();
    return { context, page };
  };
  /** From the page that offers the providers to the one that was wanted. */
  const signIn = async (page: Page, provider: 'GitHub' | 'GitLab', login: string) => {
    await page.getByRole('link', { name: `Sign in with ${provider}` }).click();
    if (provider === 'GitHub') {
      await page.getByLabel('Another name').fill(login);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    } else {
      await page.getByRole('button', { name: `Authorize as ${login}` }).click();
    }
  };
  /** Opens a page to which a signed-in visitor comes by a hand-over, which takes some steps. */
  const visit = async (page: Page, url: string) => {
    await page.goto(url);
    await page.waitForURL(url);
  };
  const text = (page: Page) => page.locator('body').innerText();
  const cookiesOf = async (context: BrowserContext, url: string) =>
    (await context.cookies(url)).map(({ name }) => name).sort();
  const reached = (name: string) => edge.seen.filter((call) => call.name === name);

  it('signs in at GitHub from the page that was wanted, and returns to it', async () => {
    const { context, page } = await browser();
    await page.goto(`${system}/list-functions?user=alice`);
    expect(await page.title()).to.equal('Sign in · OpenFaaS Cloud');
    await signIn(page, 'GitHub', 'alice');
    await page.waitForURL(`${system}/list-functions?user=alice`);
    expect(await text(page)).to.contain('This is list-functions');
    const [cookie] = await context.cookies(system);
    expect(cookie).to.include({
      name: '__Host-openfaas_cloud_token',
      domain: 'system.example.com',
      path: '/',
      httpOnly: true,
      secure: true,
      sameSite: 'Lax',
    });
    expect(await cookiesOf(context, 'https://alice.example.com')).to.deep.equal([]);
    expect(String(reached('list-functions').at(-1)?.rawHeaders)).to.not.contain('openfaas_cloud');
  });

  it('works without scripts, at GitLab', async () => {
    const { page } = await browser({ noScript: true });
    await page.goto(system);
    await page.getByRole('link', { name: 'Sign in' }).click();
    await signIn(page, 'GitLab', 'alice');
    await page.waitForURL(`${system}/`);
    const home = await text(page);
    expect(home).to.contain('signed in as alice');
    expect(home).to.contain('Functions of acme/web');
  });

  it('explains a denied consent and offers another try, which works', async () => {
    const { page } = await browser();
    await page.goto(`${system}/auth/login/gitlab?r=/list-functions`);
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await text(page)).to.contain('The login was cancelled');
    await page.getByRole('link', { name: 'Try again' }).click();
    await signIn(page, 'GitLab', 'alice');
    await page.waitForURL(`${system}/list-functions`);
  });

  it('explains an expired code and offers another try', async () => {
    const { context, page } = await browser();
    edge.gitlab.expireCodes = true;
    await page.goto(`${system}/auth/login/gitlab`);
    await page.getByRole('button', { name: 'Authorize as alice' }).click();
    expect(await text(page))
      .to.contain('did not accept the code')
      .and.to.contain('Try again');
    expect(await cookiesOf(context, system)).to.deep.equal([]);
    edge.gitlab.expireCodes = false;
  });

  it('turns away who is no customer', async () => {
    const { context, page } = await browser();
    await page.goto(`${system}/auth/login/gitlab`);
    await page.getByRole('button', { name: 'Authorize as mallory' }).click();
    expect(await text(page)).to.contain('mallory is not on the list of customers');
    expect(await cookiesOf(context, system)).to.deep.equal([]);
  });

  it('goes on in several tabs that were opened while signed out', async () => {
    const { context, page } = await browser();
    const other = await context.newPage();
    const tabs: [Page, string][] = [
      [page, 'https://alice.example.com/private/a'],
      [other, 'https://alice.example.com/private/b'],
    ];
    for (const [tab, url] of tabs) {
      await tab.goto(url);
      await tab.getByRole('link', { name: 'Sign in with GitHub' }).click();
    }
    for (const [tab, url] of tabs) {
      await tab.getByLabel('Another name').fill('alice');
      await tab.getByRole('button', { name: 'Sign in', exact: true }).click();
      await tab.waitForURL(url);
      expect(await text(tab)).to.contain('This is alice-private');
    }
    const alice = await cookiesOf(context, 'https://alice.example.com');
    expect(alice).to.deep.equal(['__Host-ofc_session']);
    expect(await cookiesOf(context, system)).to.deep.equal(['__Host-openfaas_cloud_token']);
  });

  it('hands the session over to a protected function’s host, silently when signed in', async () => {
    const { context, page } = await browser();
    const wanted = 'https://alice.example.com/alice-no/x';
    await page.goto(wanted);
    expect(await text(page)).to.contain('no function at this address');
    await page.goto('https://alice.example.com/private/a%20b?c=d%26e');
    await signIn(page, 'GitHub', 'alice');
    await page.waitForURL('https://alice.example.com/private/a%20b?c=d%26e');
    expect(await text(page)).to.contain('This is alice-private');
    const alice = await cookiesOf(context, 'https://alice.example.com');
    expect(alice).to.deep.equal(['__Host-ofc_session']);
    await visit(page, 'https://bob.example.com/shared');
    expect(await text(page)).to.contain('This is bob-shared');
    for (const name of ['alice-private', 'bob-shared']) {
      const headers = String(reached(name).at(-1)?.rawHeaders).toLowerCase();
      expect(headers).to.not.match(/ofc_|openfaas_cloud|x-cloud/);
    }
  });

  it('keeps names of one provider apart from those of another', async () => {
    const { page } = await browser();
    await page.goto('https://acme.example.com/team');
    await signIn(page, 'GitLab', 'alice');
    await page.waitForURL('https://acme.example.com/team');
    expect(await text(page)).to.contain('This is acme-team');
    await visit(page, 'https://alice.example.com/private');
    expect(await text(page)).to.contain('You are signed in as alice (gitlab)');
    expect(reached('alice-private').at(-1)?.rawHeaders ?? []).to.satisfy(
      (headers: readonly string[]) => !headers.join().includes('gitlab'),
    );
  });

  it('signs out everywhere, also on hosts of owners', async () => {
    const { context, page } = await browser();
    await page.goto('https://alice.example.com/private');
    await signIn(page, 'GitHub', 'alice');
    await page.waitForURL('https://alice.example.com/private');
    const kept = await context.cookies();
    await page.goto('https://alice.example.com/.well-known/openfaas-cloud/sign-out');
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.waitForURL(`${system}/`);
    expect(await text(page)).to.contain('You are not signed in');
    expect(await context.cookies()).to.deep.equal([]);
    await context.addCookies(kept);
    for (const url of [`${system}/list-functions`, 'https://alice.example.com/private']) {
      await page.goto(url);
      expect(await page.title(), url).to.equal('Sign in · OpenFaaS Cloud');
    }
  });

  it('takes nothing that a sibling’s page sends with the visitor’s cookies', async () => {
    const { page } = await browser();
    await page.goto('https://alice.example.com/private');
    await signIn(page, 'GitHub', 'alice');
    await page.waitForURL('https://alice.example.com/private');
    const before = reached('alice-private').length;
    await visit(page, 'https://bob.example.com/shared');
    // The browser sends alice's cookie along: siblings are one site.
    const sent = await page.evaluate(`(async () => {
      const url = 'https://alice.example.com/private';
      const init = { mode: 'no-cors', credentials: 'include' };
      await Promise.allSettled([fetch(url, init), fetch(url, { ...init, method: 'POST' })]);
      await new Promise((resolve) => {
        const image = new Image();
        image.onerror = resolve;
        image.src = url;
      });
      const signOut = 'https://system.example.com/auth/logout';
      await Promise.allSettled([fetch(signOut, { ...init, method: 'POST' })]);
      return 'sent';
    })()`);
    expect(sent).to.equal('sent');
    expect(reached('alice-private')).to.have.length(before);
    await page.goto(system);
    expect(await text(page)).to.contain('signed in as alice');
    // A link is followed.
    await visit(page, 'https://bob.example.com/shared');
    await page.evaluate("location.assign('https://alice.example.com/private')");
    await page.waitForURL('https://alice.example.com/private');
    expect(await text(page)).to.contain('This is alice-private');
  });

  it('is not ended, or begun, by cookies that a sibling’s page sets for the whole domain', async () => {
    const { page } = await browser();
    await page.goto('https://alice.example.com/private');
    await signIn(page, 'GitHub', 'alice');
    await page.waitForURL('https://alice.example.com/private');
    await visit(page, 'https://bob.example.com/shared');
    const toss = `(() => {
      const names = ['openfaas_cloud_token', 'ofc_session', 'ofc_login_x', 'ofc_handover_x'];
      for (const name of names.flatMap((name) => [name, '__Host-' + name, '__host-' + name])) {
        document.cookie = name + '=tossed; Domain=example.com; Path=/; Secure';
      }
      return document.cookie;
    })()`;
    // Chromium takes those without the prefix, so they do reach us.
    expect(await page.evaluate(toss)).to.contain('ofc_session=tossed');
    await page.goto(system);
    expect(await text(page)).to.contain('signed in as alice');
    await page.goto('https://alice.example.com/private');
    expect(await text(page)).to.contain('This is alice-private');
    expect(String(reached('alice-private').at(-1)?.rawHeaders)).to.not.contain('tossed');
  });

  it('does not finish a hand-over in another browser', async () => {
    const own = await browser();
    await own.page.goto('https://bob.example.com/shared');
    await signIn(own.page, 'GitHub', 'alice');
    await own.page.waitForURL('https://bob.example.com/shared');
    // The attacker keeps a code of their own session, and has the victim open it.
    let code = '';
    await own.page.route('**/.well-known/openfaas-cloud/session?*', async (route) => {
      code = route.request().url();
      await route.abort();
    });
    await own.page.goto('https://alice.example.com/private').catch(() => undefined);
    await eventually(() => expect(code).to.not.equal(''));
    const victim = await browser();
    expect(code).to.contain('https://alice.example.com/');
    await victim.page.goto(code);
    expect(await text(victim.page)).to.contain('begun in another browser');
    expect(await cookiesOf(victim.context, 'https://alice.example.com')).to.deep.equal([]);
  });

  it('shows pages that pass for readable, light and dark', async () => {
    const backgrounds = [];
    for (const dark of [false, true]) {
      const { page } = await browser({ dark });
      await page.goto(`${system}/auth/login`);
      backgrounds.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
      const errors: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text());
      });
      await page.goto(system);
      expect(errors).to.deep.equal([]);
    }
    expect(backgrounds[0]).to.not.equal(backgrounds[1]);
  });
});
