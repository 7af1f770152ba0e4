import { expect } from 'chai';
import { type HttpAnswer, httpGet } from './http-get.ts';

/** As much of a browser as a login needs: it keeps cookies and goes where it is sent when told to. */
export class TestBrowser {
  readonly #cookies = new Map<string, string>();
  readonly #port: number;

  /** @param port Where the platform listens; whatever the URL's host, that is dialled. */
  constructor(port: number) {
    this.#port = port;
  }

  async get(url: string): Promise<HttpAnswer> {
    return this.#send(url, {});
  }

  /** Sends a form, as a page of the same host would. */
  async post(url: string, form: Record<string, string>): Promise<HttpAnswer> {
    const body = new URLSearchParams(form).toString();
    return this.#send(url, { body, type: 'application/x-www-form-urlencoded' });
  }

  /** Sends JSON, as a script of a page of the same host would. */
  async postJson(url: string, value: unknown): Promise<HttpAnswer> {
    return this.#send(url, { body: JSON.stringify(value), type: 'application/json' });
  }

  /**
   * Follows the login as `login` at the embedded git server, from the page that asks for it.
   *
   * @returns the answer to the callback.
   */
  async signIn(page: string, login: string): Promise<HttpAnswer> {
    const asked = await this.get(page);
    expect(asked.status).to.equal(302);
    const begun = await this.get(String(asked.headers['location']));
    expect(begun.status).to.equal(302);
    const authorize = String(begun.headers['location']);
    expect(new URL(authorize).searchParams.get('code_challenge_method')).to.equal('S256');
    const form = await this.get(authorize);
    const hidden = [...form.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
    const fields = Object.fromEntries(
      hidden.map(([, name = '', value = '']) => [name, value.replaceAll('&amp;', '&')]),
    );
    const granted = await this.post(authorize, { ...fields, user: login });
    expect(granted.status, granted.text).to.be.oneOf([302, 303]);
    return this.get(String(granted.headers['location']));
  }

  async #send(url: string, sent: { body?: string; type?: string }): Promise<HttpAnswer> {
    const target = new URL(url);
    const headers: Record<string, string> = { host: target.host, accept: 'text/html' };
    const jar = [...this.#cookies].filter(([key]) => key.startsWith(`${target.hostname} `));
    if (jar.length > 0)
      headers['cookie'] = jar.map(([key, value]) => `${key.split(' ')[1]}=${value}`).join('; ');
    const { body, type } = sent;
    if (body !== undefined && type !== undefined) {
      headers['content-type'] = type;
      headers['content-length'] = String(Buffer.byteLength(body));
      headers['origin'] = target.origin;
    }
    const path = `http://127.0.0.1:${this.#port}${target.pathname}${target.search}`;
    const options = body === undefined ? {} : { method: 'POST', body };
    const answer = await httpGet(path, headers, options);
    const set = answer.headers['set-cookie'] ?? [];
    for (const cookie of typeof set === 'string' ? [set] : set) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.#cookies.set(`${target.hostname} ${name}`, value);
    }
    return answer;
  }
}
