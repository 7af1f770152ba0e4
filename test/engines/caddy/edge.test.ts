import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { expect } from 'chai';
import { mutualTls } from '../../../secrets/mutual-tls.mjs';
import { type Daemon, startDaemon } from '../../helpers/daemon.ts';
import { freePort } from '../../helpers/free-port.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import { readSource } from '../../helpers/source-files.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

interface Seen {
  readonly url: string;
  readonly host: string;
  readonly forwarded: string;
}

describeWith(['caddy'], 'the Caddyfile of deploy/faasd', () => {
  let temp: Awaited<ReturnType<typeof tempDir>>;
  let gateway: TestServer;
  let caddy: Daemon;
  let port: number;
  let ca: string;

  /** What the gateway sees of a request; `undefined` if it never came there. */
  const through = (host: string, path: string, headers: Record<string, string> = {}) =>
    new Promise<Seen | undefined>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, servername: host, ca, path };
      const call = request(
        { ...options, headers: { host: `${host}:${port}`, ...headers } },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            resolve(text.startsWith('{') ? (JSON.parse(text) as Seen) : undefined);
          });
        },
      );
      call.on('error', reject).end();
    });

  before(async function () {
    this.timeout(60_000);
    temp = await tempDir();
    gateway = await listen((incoming, response) => {
      const { 'x-forwarded-host': host, 'x-forwarded-for': forwarded } = incoming.headers;
      response.end(JSON.stringify({ url: incoming.url, host, forwarded }));
    });
    port = await freePort();
    const names = ['*.cloud.test', 'builder.system.cloud.test', 'registry.system.cloud.test'];
    const made = await mutualTls(names);
    ca = made.ca;
    const file = (name: string) => join(temp.path, name);
    await writeFile(file('cert.pem'), made.server.certificate);
    await writeFile(file('key.pem'), made.server.key);
    // A certificate of the test's own in place of the DNS provider's module, and a free port.
    const text = readSource('deploy/faasd/Caddyfile')
      .replace(/tls \{[^}]*\{env\.DNS_TOKEN\}\s*\}/, `tls ${file('cert.pem')} ${file('key.pem')}`)
      .replace('admin off', `admin off\n\thttps_port ${port}\n\tauto_https disable_redirects`);
    expect(text).to.include(file('cert.pem'));
    await writeFile(file('Caddyfile'), text);
    const env = {
      ...process.env,
      DOMAIN: 'cloud.test',
      GATEWAY: new URL(gateway.url).host,
      HOME: temp.path,
    };
    caddy = await startDaemon(
      ['caddy', 'run', '--config', file('Caddyfile'), '--adapter', 'caddyfile'],
      () => through('system.cloud.test', '/'),
      { env },
    );
  });
  after(async () => {
    await caddy?.stop();
    await gateway.close();
    await temp.remove();
  });

  it('puts of-router before the path, and hands on the path and the host as they came', async () => {
    const paths = [
      '/',
      '/hello?a=1&b=%20',
      '/a%2Fb/c%20d',
      '/%2e%2e/system/functions',
      '/a//b',
      '/x?y=/../z',
    ];
    for (const path of paths) {
      const seen = await through('alice.cloud.test', path);
      expect(seen?.url, path).to.equal(`/function/of-router${path}`);
      expect(seen?.host).to.equal(`alice.cloud.test:${port}`);
    }
    expect((await through('builder.system.cloud.test', '/build'))?.url).to.equal(
      '/function/of-router/build',
    );
  });

  it('lets no path lead past of-router, and believes no forwarded header of a visitor', async () => {
    for (const path of [
      '/../../system/functions',
      '/..',
      '/./../function/echo',
      '/%2e%2e%2f%2e%2e/system',
    ]) {
      const seen = await through('system.cloud.test', path);
      expect(seen === undefined || seen.url.startsWith('/function/of-router'), path).to.equal(true);
    }
    const forged = { 'x-forwarded-host': 'system.cloud.test', 'x-forwarded-for': '10.1.1.1' };
    const seen = await through('alice.cloud.test', '/', forged);
    expect([seen?.host, seen?.forwarded]).to.deep.equal([`alice.cloud.test:${port}`, '127.0.0.1']);
  });
});
