import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { createInstaller, type Installer } from '../../../local/builder/dependencies.ts';
import { processesByParent, processTree } from '../../../local/provider/process-table.ts';
import { eventually } from '../../helpers/eventually.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { type NpmRegistry, npmRegistry } from './npm-registry.ts';

describe('dependencies of functions', function () {
  this.timeout(60_000);
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let registry: NpmRegistry;
  let installer: Installer;
  let source: string;
  const lines: string[] = [];
  const build = (signal = new AbortController().signal) => ({
    production: false,
    log: (line: string) => lines.push(line),
    signal,
  });
  const own = (timeoutMs = 30_000): Installer =>
    createInstaller({
      folder: join(dir.path, 'cache'),
      environment: { npm_config_registry: registry.url },
      timeoutMs,
    });

  beforeEach(async () => {
    dir = await tempDir();
    source = join(dir.path, 'function');
    await mkdir(source);
    const mark = join(dir.path, 'script-ran');
    const scripts = { install: `node -e "require('fs').writeFileSync('${mark}', '')"` };
    registry = await npmRegistry({
      tiny: {
        'package.json': JSON.stringify({ name: 'tiny', version: '1.0.0', scripts }),
        'index.js': 'module.exports = 1;',
      },
    });
    installer = own();
    lines.length = 0;
    await writeFile(
      join(source, 'package.json'),
      JSON.stringify({ dependencies: { tiny: '^1.0.0' }, scripts }),
    );
  });

  afterEach(async () => {
    await registry.close();
    await dir.remove();
  });

  it('installs without running scripts, once for those who ask at the same time and later', async () => {
    const [a, b] = await Promise.all([
      installer.install(source, build()),
      installer.install(source, build()),
    ]);
    expect(a).to.be.a('string').and.equal(b);
    expect(await readFile(join(String(a), 'tiny/index.js'), 'utf8')).to.equal(
      'module.exports = 1;',
    );
    expect(await own().install(source, build())).to.equal(a);
    expect(registry.downloads()).to.equal(1);
    expect(lines.filter((line) => /^npm install:/.test(line))).to.have.length(1);
    expect(await readdir(dir.path)).to.not.include('script-ran');
  });

  it("does not read the function's .npmrc", async () => {
    await writeFile(join(source, '.npmrc'), 'registry=http://127.0.0.1:9/');
    expect(await installer.install(source, build())).to.be.a('string');
  });

  it('runs no npm for a function without dependencies', async () => {
    await writeFile(join(source, 'package.json'), '{"devDependencies":{"typescript":"7"}}');
    expect(await installer.install(source, build())).to.equal(undefined);
    expect(lines).to.deep.equal([]);
  });

  it('fails with what npm said, and leaves nothing behind', async () => {
    await writeFile(join(source, 'package.json'), '{"dependencies":{"absent":"1.0.0"}}');
    const error = await installer.install(source, build()).catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'OFC_BUILD_FAILED' });
    expect(String(error)).to.match(
      /could not install the dependencies: Not Found - GET http.*absent/,
    );
    expect(lines.join('\n')).to.match(/404/).and.not.include('A complete log');
    expect(await readdir(join(dir.path, 'cache'))).to.deep.equal(['npm']);
  });

  it('refuses a lock file that points elsewhere', async () => {
    for (const entry of [
      { resolved: 'file:../../etc' },
      { resolved: 'git+ssh://x/y' },
      { link: true },
    ]) {
      const lock = { lockfileVersion: 3, packages: { 'node_modules/tiny': entry } };
      await writeFile(join(source, 'package-lock.json'), JSON.stringify(lock));
      const error = await installer.install(source, build()).catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'OFC_BUILD_FAILED' });
    }
    expect(registry.downloads()).to.equal(0);
  });

  it('ends npm when the build is cancelled or takes too long', async () => {
    registry.hang = true;
    const caller = new AbortController();
    const npm = () =>
      processTree(process.pid, processesByParent()).filter(({ pid }) => pid !== process.pid);
    const before = npm().length;
    const cancelled = installer
      .install(source, build(caller.signal))
      .catch((thrown: unknown) => thrown);
    await eventually(() => expect(registry.downloads()).to.equal(1));
    caller.abort(new Error('the caller left'));
    expect(await cancelled).to.have.property('message', 'the caller left');
    if (process.platform === 'linux') {
      await eventually(() => expect(npm().length).to.be.at.most(before));
    }
    const late = await own(1500)
      .install(source, build())
      .catch((thrown: unknown) => thrown);
    expect(late).to.include({ code: 'OFC_TIMEOUT' });
    await eventually(async () => {
      expect(await readdir(join(dir.path, 'cache'))).to.deep.equal(['npm']);
    });
  });

  it('deletes what nobody used', async () => {
    await installer.install(source, build());
    await installer.prune(60_000);
    expect(await readdir(join(dir.path, 'cache'))).to.have.length(2);
    await installer.prune(-1);
    expect(await readdir(join(dir.path, 'cache'))).to.deep.equal(['npm']);
  });
});
