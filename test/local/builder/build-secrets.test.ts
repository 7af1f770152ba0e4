import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { createHttpBuilder } from '#shared/builder/http-builder.ts';
import { createLogger } from '#shared/log.ts';
import { createRegistryClient } from '#shared/registry/registry-client.ts';
import { packContext } from '#shared/tar/pack-context.ts';
import { type BuilderServer, createBuilder } from '../../../local/builder/builder-server.ts';
import { withNpmrc } from '../../../local/builder/npmrc.ts';
import { createRegistry, type Registry } from '../../../local/registry/registry.ts';
import { eventually } from '../../helpers/eventually.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { listen } from '../../helpers/listen.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { templateFiles } from './build-request.ts';
import { type NpmRegistry, npmRegistry } from './npm-registry.ts';

const payloadSecret = 'payload-secret-of-test';
const templateFolder = join(import.meta.dirname, '../../../template/node-ts');
const token = 'npm_5ecr3tT0ken';

describe('build secrets of the embedded builder', function () {
  this.timeout(60_000);
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let npm: NpmRegistry;
  let registry: Registry;
  let server: Server;
  let builder: BuilderServer;
  let host: string;

  before(async () => {
    dir = await tempDir();
    npm = await npmRegistry({
      private: {
        'package.json': '{"name":"private","version":"1.0.0","main":"index.js"}',
        'index.js': "module.exports = 'from a private package';",
      },
    });
    npm.token = token;
    const log = createLogger({}, () => undefined);
    const folder = join(dir.path, 'registry');
    registry = await createRegistry({ folder, log, authorizePush: () => true });
    server = createServer((request, response) => void registry.handle(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    builder = await createBuilder({
      folder: join(dir.path, 'builder'),
      payloadSecret,
      log,
      registry: createRegistryClient(),
      templateFolder,
      npmEnvironment: { npm_config_registry: npm.url },
    });
  });
  after(async () => {
    await builder.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await registry.close();
    await npm.close();
    await dir.remove();
  });

  const build = async (secrets: Record<string, string>, url = builder.url) => {
    const log: string[] = [];
    const files: Record<string, string | Buffer> = {
      ...(await templateFiles(templateFolder)),
      'function/handler.ts': "import text from 'private';\nexport default async () => text;\n",
      'function/package.json': '{"dependencies":{"private":"1.0.0"}}',
    };
    const { tar } = await packContext(
      Object.entries(files).map(([path, text]) => ({
        kind: 'file',
        path,
        mode: 0o644,
        content: Buffer.from(text),
      })),
    );
    const end = createHttpBuilder(url, payloadSecret).build({
      context: { open: async () => Readable.from([tar]) },
      image: `${host}/alice/fn:1`,
      scope: 'alice/fn',
      buildArgs: { TYPECHECK: 'false' },
      secrets: new Map(Object.entries(secrets).map(([id, value]) => [id, Buffer.from(value)])),
      onLog: (line) => log.push(line),
      signal: new AbortController().signal,
    });
    return { log, end };
  };
  const npmrc = () => `//${new URL(npm.url).host}/:_authToken=${token}\n`;

  it('install private packages, and are in no layer, log or cache', async () => {
    const { log, end } = await build({ npmrc: npmrc(), other_id: 'no Dockerfile reads it' });
    await end;
    expect(log.join('\n')).to.contain('"other_id" has no effect').and.to.not.contain(token);
    // A job's folder goes when its answer is complete.
    await eventually(async () =>
      expect(await readdir(join(dir.path, 'builder/jobs'))).to.deep.equal([]),
    );
    let files = 0;
    for (const entry of await readdir(dir.path, { recursive: true })) {
      const path = join(dir.path, entry);
      if (!(await stat(path)).isFile()) continue;
      files += 1;
      const bytes = await readFile(path);
      const plain = bytes.readUInt16BE(0) === 0x1f8b ? gunzipSync(bytes) : bytes;
      expect(plain.includes(token), entry).to.equal(false);
    }
    expect(files).to.be.above(3);

    // Whatever was installed before, it opens nothing for a build without them.
    await expectCode((await build({})).end, 'OFC_BUILD_FAILED');
    const wrong = await build({ npmrc: npmrc().replace(token, 'npm_another_token') });
    await expectCode(wrong.end, 'OFC_BUILD_FAILED');
    // The registry itself repeats what it was sent.
    expect(wrong.log.join('\n')).to.not.contain('npm_another_token');
  });

  it('are not sent to a builder that cannot open them', async () => {
    const asked: string[] = [];
    const other = await listen((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(404).end();
    });
    const { end } = await build({ npmrc: npmrc() }, other.url);
    const error = await expectCode(end, 'OFC_BUILD_FAILED');
    expect(error.message).to.contain('takes no build secrets');
    expect(asked).to.deep.equal(['/publickey']);
    await other.close();
  });

  it('may name registries and credentials, and nothing that reads files or runs programs', async () => {
    const folder = dir.path;
    const good =
      '# mine\n@alice:registry=https://npm.example/\n//npm.example/:_authToken = abc\n\n';
    const operators = join(dir.path, 'operators');
    await writeFile(operators, 'registry=http://mirror/\n');
    const environment = { npm_config_userconfig: operators, npm_config_proxy: 'http://proxy' };
    const made = await withNpmrc(environment, { npmrc: good, folder });
    expect(made['npm_config_proxy']).to.equal('http://proxy');
    const path = made['npm_config_userconfig'] ?? '';
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    expect(await readFile(path, 'utf8')).to.equal(
      `registry=http://mirror/\n\n${good.trim()}\n\n\n`,
    );
    for (const line of [
      'script-shell=/tmp/x',
      'ignore-scripts=false',
      'git=/tmp/git',
      'node-options=--require=/tmp/x',
      'cafile=/etc/shadow',
      'cache=/tmp',
      `registry=https://npm.example/${'$'}{HOME}`,
      `//npm.example/:_authToken=${'$'}{SECRET}`,
      '//npm.example/:certfile=/etc/passwd',
      'registry=file:///etc',
      'prefix = /',
    ]) {
      const error = await expectCode(
        withNpmrc({}, { npmrc: `# first\n${line}\n`, folder }),
        'OFC_BUILD_FAILED',
      );
      expect(error.message).to.contain('line 2').and.to.not.contain(line);
    }
  });
});
