import { expect } from 'chai';
import { answering, deploymentsOn, stackFile } from '../helpers/deployments.ts';
import { httpGet } from '../helpers/http-get.ts';
import type { PlatformProcess } from '../helpers/platform-process.ts';
import { sharedPlatform } from '../helpers/shared-platform.ts';
import { TestBrowser } from '../helpers/test-browser.ts';

describe('signing in', function () {
  this.timeout(240_000);
  let platform: PlatformProcess;
  let logUrl: string;
  const on = deploymentsOn(() => platform);

  before(async () => {
    platform = await sharedPlatform();
    const repo = await on.repo('alice', 'signed');
    const sha = await on.push(repo, {
      'stack.yml': stackFile('signed'),
      'signed/handler.ts': answering('signed'),
    });
    await on.completed('alice', 'signed', sha);
    await repo.remove();
    const query = `owner=alice&repo=signed&sha=${sha}&function=signed`;
    logUrl = `http://system.localhost:${platform.port}/pipeline-log?${query}`;
  });

  const signIn = (browser: TestBrowser, login: string) => browser.signIn(logUrl, login);

  it('shows a build log to its owner, after a login with PKCE that returns to it', async () => {
    const browser = new TestBrowser(platform.port);
    const back = await signIn(browser, 'alice');
    expect(back.status, back.text).to.equal(302);
    expect(back.headers['location']).to.equal(logUrl);
    expect(String(back.headers['set-cookie']))
      .to.match(/HttpOnly/)
      .and.to.match(/SameSite=Lax/);
    const log = await browser.get(logUrl);
    expect(log.status).to.equal(200);
    expect(log.text).to.contain('pushing');
  });

  it('shows it to nobody else', async () => {
    const browser = new TestBrowser(platform.port);
    await signIn(browser, 'bob');
    expect((await browser.get(logUrl)).status).to.equal(403);
    expect(
      (
        await httpGet(logUrl.replace('system.localhost', '127.0.0.1'), {
          host: `system.localhost:${platform.port}`,
          cookie: 'openfaas_cloud_token=forged',
        })
      ).status,
    ).to.equal(401);
  });

  it('lets in customers only', async () => {
    const refused = await signIn(new TestBrowser(platform.port), 'mallory');
    expect(refused.status).to.equal(403);
    expect(refused.text).to.contain('mallory').and.to.contain('customers');
  });
});
