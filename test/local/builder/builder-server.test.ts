import { readdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { createLogger } from '#shared/log.ts';
import { createRegistryClient } from '#shared/registry/registry-client.ts';
import {
  type BuilderOptions,
  type BuilderServer,
  createBuilder,
} from '../../../local/builder/builder-server.ts';
import { createProcessProvider } from '../../../local/provider/process-provider.ts';
import type { Provider } from '../../../local/provider/provider.ts';
import { createRegistryImages } from '../../../local/provider/registry-images.ts';
import { createRegistry, type Registry } from '../../../local/registry/registry.ts';
import { eventually } from '../../helpers/eventually.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { call, specOf } from '../provider/calls.ts';
import { type Answer, requestTar, sendBuild, templateFiles } from './build-request.ts';

const quiet = createLogger({}, () => undefined);
const secret = 'payload-secret-of-test';
const templateFolder = join(import.meta.dirname, '../../../template/node-ts');

describe('embedded builder', function () {
  this.timeout(60_000);
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let registry: Registry;
  let server: Server;
  let host: string;
  let builder: BuilderServer;
  let provider: Provider;
  let template: Record<string, Buffer>;
  const registryClient = createRegistryClient();

  const open = (options: Partial<BuilderOptions> = {}): Promise<BuilderServer> =>
    createBuilder({
      folder: join(dir.path, 'builder'),
      payloadSecret: secret,
      log: quiet,
      registry: registryClient,
      templateFolder,
      ...options,
    });
  const image = (name: string): string => `${host}/alice/${name}:1`;
  const build = async (
    name: string,
    files: Record<string, string | Buffer>,
    config: object = {},
  ): Promise<Answer> => {
    const body = await requestTar({
      files: { ...template, ...files },
      config: { image: image(name), buildArgs: {}, ...config },
    });
    return sendBuild(builder.url, body, secret);
  };
  const deployed = async (name: string, path = '/'): Promise<string> => {
    await provider.deploy(specOf(name, { image: image(name) }));
    return call(provider, name, path);
  };

  before(async () => {
    dir = await tempDir();
    registry = await createRegistry({
      folder: join(dir.path, 'registry'),
      log: quiet,
      authorizePush: () => true,
    });
    server = createServer((request, response) => void registry.handle(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    provider = await createProcessProvider({
      folder: join(dir.path, 'provider'),
      images: createRegistryImages(registryClient),
      readSecret: async () => undefined,
      log: quiet,
    });
    template = await templateFiles(templateFolder);
    builder = await open();
  });

  after(async () => {
    await builder.close();
    await provider.close();
    await registry.close();
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
    await dir.remove();
  });

  it('builds a TypeScript function that runs', async () => {
    const answer = await build('hello', {
      'function/handler.ts': `import type { FunctionEvent } from './types.ts';
        export default async (event: FunctionEvent) => ({ path: event.path });`,
    });
    expect(answer.last, answer.log).to.include({ status: 'success', image: image('hello') });
    expect(answer.last['digest']).to.match(/^sha256:[0-9a-f]{64}$/);
    expect(answer.last['duration']).to.be.a('number');
    expect(answer.log)
      .to.match(/handler: handler\.ts/)
      .and.match(/types: checked/);
    expect(answer.lines.slice(0, -1).every((line) => line['status'] === 'in_progress')).to.equal(
      true,
    );
    expect(await deployed('hello', '/a')).to.equal('{"path":"/a"}');
  });

  it('gives one digest for one context, and another for another', async () => {
    const handler = (text: string) => ({
      'function/handler.ts': `export default () => '${text}';`,
    });
    const answers = [
      await build('same', handler('a')),
      await build('other', handler('a')),
      await build('same', handler('b')),
    ];
    const digests = answers.map(({ last }) => last['digest']);
    expect(digests[0])
      .to.match(/^sha256:/)
      .and.equal(digests[1]);
    expect(digests[2]).to.not.equal(digests[0]);
  });

  it('answers a client that does not stream with one object', async () => {
    const body = await requestTar({
      files: { ...template, 'function/handler.js': 'export default () => "x";' },
      config: { image: image('one'), buildArgs: {} },
    });
    const answer = await sendBuild(builder.url, body, secret, {});
    expect(answer.lines).to.have.length(1);
    expect(answer.last).to.include({ status: 'success' });
    expect(answer.last['log']).to.be.an('array').that.includes('handler: handler.js');
  });

  it('does not look at a body that is not signed', async () => {
    const body = Buffer.from('this is not a tar');
    for (const signature of ['', 'sha256=', `sha256=${'0'.repeat(64)}`, `sha1=${'0'.repeat(40)}`]) {
      const answer = await sendBuild(builder.url, body, secret, { 'x-build-signature': signature });
      expect(answer.status, signature).to.equal(401);
    }
    expect((await sendBuild(builder.url, body, 'other secret')).status).to.equal(401);
    expect((await sendBuild(builder.url, body, secret)).status).to.equal(400);
    expect(await readdir(join(dir.path, 'builder', 'jobs'))).to.deep.equal([]);
  });

  it('refuses hostile archives', async () => {
    const config = { image: image('evil'), buildArgs: {} };
    const attacks = [
      { name: 'context/function/x', type: 'symlink', linkname: '/etc/passwd' },
      { name: 'context/function/x', type: 'link', linkname: '/etc/passwd' },
      { name: 'context/../../../tmp/x', body: 'x' },
      { name: '/etc/cron.d/x', body: 'x' },
      { name: 'context/function/dev', type: 'character-device' },
    ] as const;
    for (const attack of attacks) {
      const body = await requestTar({ files: template, config, extra: [attack] });
      const answer = await sendBuild(builder.url, body, secret);
      expect(answer.status, attack.name).to.be.within(400, 422);
    }
  });

  it('reports type errors with file and line', async () => {
    const answer = await build('types', {
      'function/handler.ts': `\nexport default (): number => 'x';`,
    });
    expect(answer.last).to.include({ status: 'failed' });
    expect(answer.last['error']).to.match(/handler\.ts\(2,.*not assignable to type 'number'/);
    const unchecked = await build(
      'types',
      { 'function/handler.ts': `export default (): number => 'x';` },
      { buildArgs: { TYPECHECK: 'false' } },
    );
    expect(unchecked.last).to.include({ status: 'success' });
  });

  it('reports syntax errors with file and line', async () => {
    const answer = await build('syntax', { 'function/handler.js': 'export default (' });
    expect(answer.last).to.include({ status: 'failed' });
    expect(answer.last['error']).to.match(/function\/handler\.js:1:17: /);
  });

  it('says where a package must be named that is not found', async () => {
    const answer = await build('absent', {
      'function/handler.js': `import a from '@x/y/z'; import './b.js'; import 'c'; export default a;`,
    });
    expect(answer.last['error']).to.match(
      /Could not resolve "\.\/b\.js"[\s\S]*\nAdd to "dependencies" in the package\.json beside the handler: @x\/y, c\.$/,
    );
  });

  it('says what of a package.json cannot be read, with its line', async () => {
    const handler = { 'function/handler.js': 'export default () => 1;' };
    const broken = await build('json', { ...handler, 'function/package.json': '{\n  "a": 1,\n}' });
    expect(broken.last['error']).to.match(/^function\/package\.json:3: This is not valid JSON: /);
    const wrong = await build('json', {
      ...handler,
      'function/package.json': '{"dependencies":[1]}',
    });
    expect(wrong.last['error']).to.match(/^function\/package\.json:1: dependencies[^:]*: /);
    const marked = await build('json', {
      ...handler,
      'function/package.json': '\ufeff{"name":"x"}',
    });
    expect(marked.last).to.include({ status: 'success' });
  });

  it('bundles no file of the machine', async () => {
    const path = join(dir.path, 'key.txt');
    await writeFile(path, 'the platform key');
    const up = '../'.repeat(20);
    for (const from of [path, `${up}${path}`]) {
      const answer = await build('steal', {
        'function/handler.js': `import key from '${from}'; export default () => key;`,
      });
      expect(answer.last).to.include({ status: 'failed' });
      expect(answer.last['error']).to.match(/is not part of the function/);
      expect(JSON.stringify(answer.lines)).to.not.contain('the platform key');
    }
  });

  it('quotes no file of the machine', async () => {
    const path = join(dir.path, 'key.json');
    await writeFile(path, 'platformkey');
    const tsconfig = JSON.stringify({ extends: path });
    const answer = await build('quote', {
      'function/tsconfig.json': tsconfig,
      'function/handler.ts': `import './key.ts'; export default () => 'x';`,
      'function/key.ts': `/// <reference path="${path}" />\nexport {};`,
    });
    expect(answer.last).to.include({ status: 'failed' });
    expect(JSON.stringify(answer.lines)).to.not.contain('platformkey');
  });

  it('runs no code that the context brings', async () => {
    const mark = join(dir.path, 'mark');
    const evil = `require('node:fs').writeFileSync('${mark}', '')`;
    const answer = await build('code', {
      'build.mjs': `import { writeFileSync } from 'node:fs'; writeFileSync('${mark}', ''); export const build = () => {};`,
      'function/node_modules/typescript/package.json':
        '{"name":"typescript","bin":{"tsc":"./tsc.js"}}',
      'function/node_modules/typescript/tsc.js': evil,
      'function/package.json': JSON.stringify({ scripts: { preinstall: `node -e "${evil}"` } }),
      'function/handler.ts': 'export default () => "x";',
    });
    expect(answer.last, answer.log).to.include({ status: 'success' });
    expect(await readdir(dir.path)).to.not.include('mark');
  });

  it('says what needs a container engine', async () => {
    const body = await requestTar({
      files: { Dockerfile: 'FROM alpine', 'template.yml': 'language: python3-http' },
      config: { image: image('py'), buildArgs: {} },
    });
    const { last } = await sendBuild(builder.url, body, secret);
    expect(last).to.include({ status: 'failed' });
    expect(last['error']).to.match(/"python3-http" needs a container engine.*BuildKit/);
  });

  it('refuses dependencies that are not from a registry', async () => {
    for (const spec of [
      'file:../../..',
      'git+ssh://git@example.com/x.git',
      'alice/repo',
      'link:/etc',
    ]) {
      const { last } = await build('deps', {
        'function/handler.js': 'export default () => "x";',
        'function/package.json': JSON.stringify({ dependencies: { x: spec } }),
      });
      expect(last['error'], spec).to.match(/not a version from a package registry/);
    }
  });

  it('runs the handler of an official template as it is, when the operator asks for it', async () => {
    const body = await requestTar({
      files: {
        'template.yml': 'language: node20',
        'index.js': 'throw new Error("the official entry")',
        'function/package.json': '{"main":"handler.js"}',
        'function/word.js': `module.exports = 'dynamic';`,
        'function/handler.js': `module.exports = async (event, context) => context.status(201).succeed(require('./' + 'word.js') + event.method);`,
      },
      config: { image: image('classic'), buildArgs: { OFC_CLASSIC: 'node20' } },
    });
    const answer = await sendBuild(builder.url, body, secret);
    expect(answer.last, answer.log).to.include({ status: 'success' });
    expect(answer.log).to.match(/node20 is run by the node-ts runtime/);
    expect(await deployed('classic')).to.equal('dynamicGET');
  });

  it('says in the build what of an official template’s handler would end it at its start', async () => {
    const body = await requestTar({
      files: {
        'template.yml': 'language: node22',
        'function/package.json': '{"main":"handler.js"}',
        'function/handler.js':
          'module.exports = async (event, context) => {\n  return context.;\n};\n',
      },
      config: { image: image('broken'), buildArgs: { OFC_CLASSIC: 'node22' } },
    });
    const { last } = await sendBuild(builder.url, body, secret);
    expect(last).to.include({ status: 'failed' });
    expect(last['error']).to.match(/^function\/handler\.js:2:18: /);
    const loaded = await requestTar({
      files: {
        'template.yml': 'language: node22',
        'function/lib/a.js': 'module.exports = {{\n',
        'function/handler.js': `require('lodash'); require('./none'); require('./lib/a');`,
      },
      config: { image: image('broken'), buildArgs: { OFC_CLASSIC: 'node22' } },
    });
    const answer = await sendBuild(builder.url, loaded, secret);
    expect(answer.last['error']).to.match(/^function\/lib\/a\.js:1:19: [^\n]*$/);
  });

  it('refuses more builds than may wait, and goes on when a caller leaves', async () => {
    const own = await open({ folder: join(dir.path, 'builder-3'), parallel: 1, queued: 0 });
    try {
      const body = await requestTar({
        files: { ...template, 'function/handler.ts': 'export default () => "x";' },
        config: { image: image('busy'), buildArgs: {}, skipPush: true },
      });
      const answers = await Promise.all([1, 2, 3].map(() => sendBuild(own.url, body, secret)));
      expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 429, 429]);
      await eventually(async () => {
        expect((await sendBuild(own.url, body, secret)).last).to.include({ status: 'success' });
      });
    } finally {
      await own.close();
    }
  });
});
