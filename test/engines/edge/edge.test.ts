import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { expect } from 'chai';
import { mutualTls } from '../../../secrets/mutual-tls.mjs';
import { type Daemon, startDaemon } from '../../helpers/daemon.ts';
import { freePort } from '../../helpers/free-port.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { describeWith, type Part } from '../../helpers/needs-part.ts';
import { readSource } from '../../helpers/source-files.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

interface Seen {
  readonly url: string;
  readonly host: string;
  readonly forwarded: string;
}

/** What an edge is started with. */
interface Stage {
  readonly folder: string;
  readonly port: number;
  readonly certificate: string;
  readonly key: string;
  /** `host:port` of the gateway. */
  readonly gateway: string;
  readonly probe: () => Promise<unknown>;
}

/** The domain of the tests, in whose place each file has another. */
const domain = 'cloud.test';

const edges: readonly [Part, string, (stage: Stage) => Promise<Daemon>][] = [
  ['caddy', 'deploy/faasd/Caddyfile', startCaddy],
  ['nginx', 'deploy/faasd/nginx.conf', startNginx],
];

/** A certificate of the test's own in place of the DNS provider's module, and a free port. */
async function startCaddy({ folder, port, certificate, key, gateway, probe }: Stage) {
  const text = readSource('deploy/faasd/Caddyfile')
    .replace(/tls \{[^}]*\{env\.DNS_TOKEN\}\s*\}/, `tls ${certificate} ${key}`)
    .replace('admin off', `admin off\n\thttps_port ${port}\n\tauto_https disable_redirects`);
  expect(text).to.include(certificate);
  const config = join(folder, 'Caddyfile');
  await writeFile(config, text);
  const env = { ...process.env, DOMAIN: domain, GATEWAY: gateway, HOME: folder };
  const command = ['caddy', 'run', '--config', config, '--adapter', 'caddyfile'] as const;
  return startDaemon([...command], probe, { env });
}

async function startNginx({ folder, port, certificate, key, gateway, probe }: Stage) {
  const text = readSource('deploy/faasd/nginx.conf')
    .replaceAll(/\/etc\/letsencrypt\/\S+fullchain\.pem/g, certificate)
    .replaceAll(/\/etc\/letsencrypt\/\S+privkey\.pem/g, key)
    .replaceAll('listen 443', `listen 127.0.0.1:${port}`)
    .replaceAll('listen 80', `listen 127.0.0.1:${await freePort()}`)
    .replaceAll('127.0.0.1:8080', gateway)
    .replaceAll('example.com', domain);
  expect(text).to.include(certificate).and.include(gateway);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const config = join(folder, 'nginx.conf');
  await mkdir(join(folder, 'logs'));
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  await writeFile(
    config,
    `daemon off; ${user} pid ${folder}/pid; error_log stderr; events {}\nhttp { access_log off;\n${temporary.join('\n')}\n${text}\n}\n`,
  );
  return startDaemon(['nginx', '-p', folder, '-c', config, '-e', 'stderr'], probe);
}

for (const [part, title, start] of edges) {
  describeWith([part], title, () => {
    let temp: Awaited<ReturnType<typeof tempDir>>;
    let gateway: TestServer;
    let edge: Daemon;
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
      const names = [`*.${domain}`, `builder.system.${domain}`, `registry.system.${domain}`];
      const made = await mutualTls(names);
      ca = made.ca;
      const [certificate, key] = [join(temp.path, 'cert.pem'), join(temp.path, 'key.pem')];
      await writeFile(certificate, made.server.certificate);
      await writeFile(key, made.server.key);
      edge = await start({
        ...{ folder: temp.path, port, certificate, key },
        gateway: new URL(gateway.url).host,
        probe: () => through(`system.${domain}`, '/'),
      });
    });
    after(async () => {
      await edge?.stop();
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
        const seen = await through(`alice.${domain}`, path);
        if (part === 'nginx' && path.startsWith('/%2e%2e')) {
          // It refuses what leads above the root, instead of handing it on.
          expect(seen, path).to.equal(undefined);
          continue;
        }
        expect(seen?.url, path).to.equal(`/function/of-router${path}`);
        expect(seen?.host).to.equal(`alice.${domain}:${port}`);
      }
      expect((await through(`builder.system.${domain}`, '/build'))?.url).to.equal(
        '/function/of-router/build',
      );
    });

    it('lets no path lead past of-router, and believes no forwarded header of a visitor', async () => {
      for (const path of [
        '/../../system/functions',
        '/..',
        '/./../function/echo',
        '/%2e%2e%2f%2e%2e/system',
        'http://127.0.0.1/system/functions',
      ]) {
        const seen = await through(`system.${domain}`, path);
        const isBelow = seen?.url.startsWith('/function/of-router/') ?? true;
        expect(isBelow, `${path}: ${seen?.url}`).to.equal(true);
      }
      const forged = { 'x-forwarded-host': `system.${domain}`, 'x-forwarded-for': '10.1.1.1' };
      const seen = await through(`alice.${domain}`, '/', forged);
      expect([seen?.host, seen?.forwarded]).to.deep.equal([`alice.${domain}:${port}`, '127.0.0.1']);
    });
  });
}
