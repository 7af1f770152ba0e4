import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { createLogger } from '#shared/log.ts';
import { createProcessProvider } from '../../../local/provider/process-provider.ts';
import type { Provider } from '../../../local/provider/provider.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { call, specOf } from './calls.ts';
import { functionCode, type MemoryImages, memoryImages } from './memory-images.ts';

/** A function that reads, lists or writes the path in its query. */
const prober = functionCode(
  `const { pathname, searchParams } = new URL(request.url, 'http://x');
   const path = searchParams.get('path');
   if (pathname === '/read') return readFileSync(path, 'utf8');
   if (pathname === '/list') return readdirSync(path).join();
   if (pathname === '/write') { writeFileSync(path, 'x'); return 'written'; }
   if (pathname === '/kill') { process.kill(Number(path), 0); return 'seen'; }
   return '';`,
  `import { readFileSync, readdirSync, writeFileSync } from 'node:fs';`,
);

describeWith(['bubblewrap'], 'bubblewrap sandbox', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let images: MemoryImages;
  let provider: Provider;
  const ask = (what: string, path: string): Promise<string> =>
    call(provider, 'probe', `/${what}?path=${encodeURIComponent(path)}`);

  before(async () => {
    dir = await tempDir();
    images = memoryImages();
    provider = await createProcessProvider({
      folder: join(dir.path, 'provider'),
      images,
      readSecret: async (name) => Buffer.from(`value of ${name}`),
      log: createLogger({}, () => undefined),
      isolation: 'bubblewrap',
    });
    await images.addFunction('registry/probe:1', prober);
    await images.addFunction('registry/other:1', functionCode('return "x"'));
    await provider.deploy(specOf('other', { secrets: ['others'] }));
    await provider.deploy(specOf('probe', { secrets: ['mine'] }));
    await call(provider, 'other');
  });

  after(async () => {
    await provider?.close();
    await dir.remove();
  });

  it('shows the function its own secrets, code and nothing else', async () => {
    expect(await ask('read', '/var/openfaas/secrets/mine')).to.equal('value of mine');
    expect(await ask('list', '/var/openfaas/secrets')).to.equal('mine');
    expect(await ask('list', '/home/app')).to.equal('index.mjs');
    expect(await ask('list', '/home')).to.equal('app');
  });

  it('hides the files of the platform and of other functions', async () => {
    const key = join(dir.path, 'key');
    await writeFile(key, 'platform');
    const [record = ''] = await readdir(join(dir.path, 'provider/processes'));
    const { home } = JSON.parse(
      await readFile(join(dir.path, 'provider/processes', record), 'utf8'),
    ) as { home: string };
    for (const path of [
      key,
      dir.path,
      home,
      import.meta.filename,
      '/etc/shadow',
      '/etc/passwd',
      '/root',
    ]) {
      expect(await ask('read', path), path).to.equal('error ENOENT');
    }
    expect(await ask('list', '/tmp')).to.equal('');
  });

  it('hides the processes of the machine', async () => {
    const pids = (await ask('list', '/proc')).split(',').filter((name) => /^\d+$/.test(name));
    expect(pids.length).to.be.at.most(3);
    expect(await ask('kill', String(process.pid))).to.equal('error ESRCH');
  });

  it('lets it write to its own temporary folder only', async () => {
    expect(await ask('write', '/tmp/x')).to.equal('written');
    for (const path of ['/home/app/index.mjs', '/usr/bin/x', '/var/openfaas/secrets/mine']) {
      expect(await ask('write', path), path).to.match(/error (EROFS|EACCES|EPERM)/);
    }
  });

  it('takes all privileges away', async () => {
    const status = await ask('read', '/proc/self/status');
    expect(status)
      .to.match(/CapEff:\s+0+\n/)
      .and.match(/CapBnd:\s+0+\n/)
      .and.match(/NoNewPrivs:\s+1/);
  });

  it('does not let variables of a function reach programs outside of the sandbox', async () => {
    const mark = join(dir.path, 'mark');
    const bin = join(dir.path, 'bin');
    await mkdir(bin);
    for (const name of ['bwrap', 'prlimit']) {
      await writeFile(join(bin, name), `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
    }
    const envVars = { PATH: `${bin}:/usr/bin`, LD_PRELOAD: join(bin, 'evil.so'), LD_AUDIT: 'x' };
    await provider.deploy(specOf('preload', { image: 'registry/other:1', envVars }));
    expect(await call(provider, 'preload')).to.equal('x');
    expect(await readdir(dir.path)).to.not.include('mark');
    await provider.remove('preload');
  });

  it('does not let an image choose what is mounted', async () => {
    await images.add('registry/climb:1', [[{ name: 'index.mjs', body: prober }]], {
      WorkingDir: '/../../../..',
    });
    await provider.deploy(specOf('climb'));
    expect(await call(provider, 'climb', '/list?path=/home/app')).to.equal('index.mjs');
    await provider.remove('climb');
  });
});
