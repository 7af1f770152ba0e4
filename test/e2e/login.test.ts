import { expect } from 'chai';
import { answering, deploymentsOn, stackFile } from '../helpers/deployments.ts';
import { type HttpAnswer, httpGet } from '../helpers/http-get.ts';
import type { PlatformProcess } from '../helpers/platform-process.ts';
import { sharedPlatform } from '../helpers/shared-platform.ts';

/** As much of a browser as a login needs: it keeps cookies and follows what it is told to. */
class Browser {
  readonly #cookies = new Map<string, string>();
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async get(url: string): Promise<HttpAnswer> {
    return this.#send(url, {});
  }

  async post(url: string, form: Record<string, string>): Promise<HttpAnswer> {
    const body = new URLSearchParams(form).toString();
    return this.#send(url, { method: 'POST', body });
  }

  async #send(url: string, options: { method?: string; body?: string }): Promise<HttpAnswer> {
    const target = new URL(url);
    const origin = target.origin;
    const headers: Record<string, string> = { host: target.host, accept: 'text/html' };
    const jar = [...this.#cookies].filter(([key]) => key.startsWith(`${target.hostname} `));
    if (jar.length > 0)
      headers['cookie'] = jar.map(([key, v]) => `${key.split(' ')[1]}=${v}`).join('; ');
    if (options.body !== undefined) {
      headers['content-type'] = 'application/x-www-form-urlencoded';
      headers['content-length'] = String(Buffer.byteLength(options.body));
      headers['origin'] = origin;
    }
    const path = `http://127.0.0.1:${this.#port}${target.pathname}${target.search}`;
    const answer = await httpGet(path, headers, options);
    const set = answer.headers['set-cookie'] ?? [];
    for (const cookie of typeof set === 'string' ? [set] : set) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.#cookies.set(`${target.hostname} ${name}`, value);
    }
    return answer;
  }
}

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

  /** Follows the login as `login`, from the page that asked for it. */
  const signIn = async (browser: Browser, login: string): Promise<HttpAnswer> => {
    const asked = await browser.get(logUrl);
    expect(asked.status).to.equal(302);
    const begun = await browser.get(String(asked.headers['location']));
    expect(begun.status).to.equal(302);
    const authorize = String(begun.headers['location']);
    expect(new URL(authorize).searchParams.get('code_challenge_method')).to.equal('S256');
    const form = await browser.get(authorize);
    const hidden = [...form.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
    const fields = Object.fromEntries(
      hidden.map(([, name = '', value = '']) => [name, value.replaceAll('&amp;', '&')]),
    );
    const granted = await browser.post(authorize, { ...fields, user: login });
    expect(granted.status, granted.text).to.be.oneOf([302, 303]);
    return browser.get(String(granted.headers['location']));
  };

  it('shows a build log to its owner, after a login with PKCE that returns to it', async () => {
    const browser = new Browser(platform.port);
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
    const browser = new Browser(platform.port);
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
    const refused = await signIn(new Browser(platform.port), 'mallory');
    expect(refused.status).to.equal(403);
    expect(refused.text).to.contain('mallory').and.to.contain('customers');
  });
});
