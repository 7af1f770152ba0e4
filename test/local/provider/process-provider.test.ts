import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import { createLogger } from '#shared/log.ts';
import {
  createProcessProvider,
  type ProcessProviderOptions,
} from '../../../local/provider/process-provider.ts';
import {
  processesByParent,
  processTree,
  readProcess,
} from '../../../local/provider/process-table.ts';
import type { LogLine, Provider } from '../../../local/provider/provider.ts';
import { eventually } from '../../helpers/eventually.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { call, specOf } from './calls.ts';
import { functionCode, type MemoryImages, memoryImages } from './memory-images.ts';

const quiet = createLogger({}, () => undefined);

for (const isolation of ['none', 'bubblewrap'] as const) {
  const needed = isolation === 'bubblewrap' ? ([isolation] as const) : [];
  describeWith(needed, `process provider, isolation ${isolation}`, () => {
    let dir: Awaited<ReturnType<typeof tempDir>>;
    let images: MemoryImages;
    let secrets: Map<string, string>;
    let provider: Provider;

    const open = (options: Partial<ProcessProviderOptions> = {}): Promise<Provider> =>
      createProcessProvider({
        folder: dir.path,
        images,
        readSecret: async (name) => {
          const value = secrets.get(name);
          return value === undefined ? undefined : Buffer.from(value);
        },
        log: quiet,
        isolation,
        graceMs: 2000,
        ...options,
      });
    const available = (service: string): Promise<void> =>
      eventually(() => {
        expect(provider.status(service)?.availableReplicas).to.equal(1);
      });

    beforeEach(async () => {
      dir = await tempDir();
      images = memoryImages();
      secrets = new Map();
      provider = await open();
    });

    afterEach(async () => {
      await provider.close();
      await dir.remove();
    });

    it('says in one sentence what is in force', () => {
      expect(provider.info.isolation).to.match(
        isolation === 'none' ? /only code you trust/ : /bubblewrap/,
      );
    });

    it('starts a function, answers, scales to zero when idle and starts it again on demand', async () => {
      await provider.close();
      provider = await open({ idleMs: 200 });
      await images.addFunction('registry/hello:1', functionCode('return String(process.pid)'));
      await provider.deploy(specOf('hello'));
      expect(provider.status('hello')).to.include({ replicas: 1 });
      await call(provider, 'hello');
      expect(provider.status('hello')?.availableReplicas).to.equal(1);
      await eventually(() =>
        expect(provider.status('hello')).to.deep.equal({ replicas: 0, availableReplicas: 0 }),
      );
      const pids = await Promise.all([call(provider, 'hello'), call(provider, 'hello')]);
      expect(new Set(pids).size, 'one start for all who wait').to.equal(1);
    });

    it('keeps a function with com.openfaas.scale.zero=false always on', async () => {
      await provider.close();
      provider = await open({ idleMs: 50 });
      await images.addFunction('registry/on:1', functionCode('return "on"'));
      await images.addFunction('registry/off:1', functionCode('return "off"'));
      await provider.deploy(specOf('on', { labels: { 'com.openfaas.scale.zero': 'false' } }), {
        start: false,
      });
      await provider.deploy(specOf('off'));
      await available('on');
      await eventually(() => expect(provider.status('off')?.replicas).to.equal(0));
      expect(provider.status('on')).to.include({ replicas: 1, availableReplicas: 1 });
    });

    it('leaves a restored function at zero until its first request', async () => {
      await images.addFunction('registry/hello:1', functionCode('return "hi"'));
      await provider.deploy(specOf('hello'), { start: false });
      expect(provider.status('hello')).to.deep.equal({ replicas: 0, availableReplicas: 0 });
      expect(await call(provider, 'hello')).to.equal('hi');
    });

    it('changes a function at zero without starting it, and rolls over one that runs', async () => {
      await images.addFunction('registry/hello:1', functionCode('return process.env.WORD'));
      const words = (WORD: string) => specOf('hello', { envVars: { WORD } });
      await provider.deploy(words('one'), { start: false });
      await provider.deploy(words('two'), { start: false });
      expect(provider.status('hello')).to.deep.equal({ replicas: 0, availableReplicas: 0 });
      expect(await call(provider, 'hello')).to.equal('two');
      await provider.deploy(words('three'), { start: false });
      await eventually(async () => expect(await call(provider, 'hello')).to.equal('three'));
    });

    it('gives a function its own environment and nothing of the platform', async () => {
      process.env['PLATFORM_SECRET_OF_TEST'] = 'leak';
      try {
        await images.addFunction(
          'registry/env:1',
          functionCode('return JSON.stringify(process.env)'),
          ['write_timeout=3s', 'port=1'],
        );
        const envVars = {
          GREETING: 'hi',
          port: '9999',
          NODE_OPTIONS: '--no-warnings',
          LD_PRELOAD: '',
        };
        await provider.deploy(specOf('env', { envVars, envProcess: 'node index.js' }));
        const env = JSON.parse(await call(provider, 'env')) as Record<string, string>;
        expect(env).to.not.have.property('PLATFORM_SECRET_OF_TEST');
        expect(JSON.stringify(env)).to.not.contain('leak');
        expect(env).to.include({
          GREETING: 'hi',
          write_timeout: '3s',
          metrics_port: 'off',
          OPENFAAS_NAME: 'env',
          OPENFAAS_NAMESPACE: 'openfaas-fn',
          fprocess: 'node index.js',
          NODE_OPTIONS: '--max-old-space-size=192 --max-semi-space-size=4 --no-warnings',
        });
        expect(env['port'], 'the socket, whatever the function says').to.match(/\/s$/);
        const known =
          'GREETING LD_PRELOAD NODE_OPTIONS OPENFAAS_NAME OPENFAAS_NAMESPACE PATH HOME PWD TMPDIR port metrics_port secret_mount_path fprocess healthcheck_interval write_timeout';
        expect(known.split(' ')).to.include.members(Object.keys(env));
      } finally {
        delete process.env['PLATFORM_SECRET_OF_TEST'];
      }
    });

    it('refuses variables that would inject arguments', async () => {
      await images.addFunction('registry/nul:1', functionCode('return "no"'));
      await provider.deploy(specOf('nul', { envVars: { A: 'x\0--bind\0/\0/host' } }));
      await eventually(() => expect(provider.status('nul')?.failure).to.contain('"A" is invalid'));
    });

    it('gives a function its secrets only, read again at each start', async () => {
      secrets.set('mine', 'one').set('other', 'two');
      await images.addFunction(
        'registry/secret:1',
        functionCode(
          `const dir = process.env.secret_mount_path;
           return readdirSync(dir).join() + '=' + readFileSync(dir + '/mine') + ' ' + (statSync(dir + '/mine').mode & 0o777).toString(8)`,
          `import { readdirSync, readFileSync, statSync } from 'node:fs';`,
        ),
      );
      await provider.deploy(specOf('secret', { secrets: ['mine'] }));
      expect(await call(provider, 'secret')).to.equal('mine=one 400');
      secrets.set('mine', 'three');
      await provider.scale('secret', 0);
      await eventually(() => expect(provider.status('secret')?.usage).to.equal(undefined));
      expect(await call(provider, 'secret')).to.equal('mine=three 400');
    });

    it('refuses to deploy what cannot run, and says why', async () => {
      await images.add('registry/docker:1', [[{ name: 'bin/sh', body: '' }]], { Labels: {} });
      await images.addFunction('registry/f:1', functionCode('return "no"'));
      const cases = [
        [specOf('docker'), /needs a container engine/],
        [specOf('absent'), /does not exist/],
        [specOf('f', { secrets: ['nope'] }), /secret "nope" does not exist/],
        [specOf('f', { secrets: ['../x'] }), /does not exist/],
        [specOf('../f', { image: 'registry/f:1' }), /no function name/],
      ] as const;
      for (const [spec, why] of cases) {
        const error = await provider.deploy(spec).catch((thrown: unknown) => thrown);
        expect(error).to.be.instanceOf(CloudError);
        expect(error).to.include({ code: 'OFC_DEPLOY_FAILED' });
        expect((error as CloudError).message).to.match(why);
        expect(provider.status(spec.service)).to.equal(undefined);
      }
    });

    it('reports a crash at start with the last lines of stderr, and answers callers at once', async () => {
      await images.addFunction('registry/crash:1', 'throw new Error("no such colour: blurple")');
      await provider.deploy(specOf('crash'));
      const error = await provider.acquire('crash').catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'OFC_UPSTREAM' });
      expect((error as CloudError).text).to.not.contain('blurple');
      await eventually(() => {
        const status = provider.status('crash');
        expect(status?.failure).to.match(/exited with code 1[\s\S]*no such colour: blurple/);
        expect(status?.availableReplicas).to.equal(0);
      });
    });

    it('gives up on a function that never becomes ready', async function () {
      // Node itself may take seconds to start where much else runs; it is tried again until it was quick enough.
      this.timeout(120_000);
      await provider.close();
      provider = await open({ startTimeoutMs: 3000 });
      await images.addFunction(
        'registry/deaf:1',
        'console.error("thinking"); setInterval(() => {}, 1000)',
      );
      await provider.deploy(specOf('deaf'));
      await eventually(
        () =>
          expect(provider.status('deaf')?.failure).to.match(
            /did not answer \/_\/ready within 3 s[\s\S]*thinking/,
          ),
        { timeoutMs: 100_000 },
      );
    });

    it('rolls over without a failed request, and finishes the running ones', async () => {
      await images.addFunction(
        'registry/roll:1',
        functionCode(
          `if (request.url === '/slow') await new Promise((done) => setTimeout(done, 700)); return 'v1'`,
        ),
      );
      await images.addFunction('registry/roll:2', functionCode(`return 'v2'`));
      await provider.deploy(specOf('roll'));
      const slow = call(provider, 'roll', '/slow');
      await available('roll');
      let stop = false;
      const seen: string[] = [];
      const caller = async (): Promise<void> => {
        while (!stop) seen.push(await call(provider, 'roll'));
      };
      const callers = [caller(), caller(), caller(), caller()];
      await provider.deploy(specOf('roll', { image: 'registry/roll:2' }));
      expect(provider.status('roll')?.availableReplicas, 'the old one does not count').to.equal(0);
      await available('roll');
      await eventually(() => expect(seen.at(-1)).to.equal('v2'));
      stop = true;
      await Promise.all(callers);
      expect(await slow).to.equal('v1');
      expect(new Set(seen)).to.deep.equal(new Set(['v1', 'v2']));
    });

    it('does not wait at its end for requests that nobody can send any more', async () => {
      // As our runtime: it serves on after the first signal, and ends at the second.
      await images.addFunction(
        'registry/calm:1',
        `${functionCode(`return 'x'`)}
process.removeAllListeners('SIGTERM');
process.once('SIGTERM', () => process.once('SIGTERM', () => process.exit(143)));`,
      );
      await provider.close();
      provider = await open({ graceMs: 600_000 });
      await provider.deploy(specOf('calm'));
      await available('calm');
      await provider.close();
    });

    it('keeps the old replica when the new one fails', async () => {
      await images.addFunction('registry/keep:1', functionCode(`return 'v1'`));
      await images.addFunction('registry/keep:2', 'throw new Error("broken release")');
      await provider.deploy(specOf('keep'));
      await available('keep');
      await provider.deploy(specOf('keep', { image: 'registry/keep:2' }));
      await eventually(() => expect(provider.status('keep')?.failure).to.contain('broken release'));
      expect(provider.status('keep')).to.include({ replicas: 1, availableReplicas: 0 });
      expect(await call(provider, 'keep')).to.equal('v1');
      await provider.deploy(specOf('keep'));
      await available('keep');
      expect(provider.status('keep')).to.not.have.property('failure');
      expect(await call(provider, 'keep')).to.equal('v1');
    });

    it('restarts nothing if only labels changed', async () => {
      const code = functionCode('return String(born)', 'const born = Math.random();');
      await images.addFunction('registry/same:1', code);
      await provider.deploy(specOf('same'));
      const born = await call(provider, 'same');
      await provider.deploy(specOf('same', { labels: { a: 'b' }, annotations: { c: 'd' } }));
      expect(provider.status('same')?.availableReplicas).to.equal(1);
      expect(await call(provider, 'same')).to.equal(born);
      await provider.deploy(specOf('same', { envVars: { A: '1' } }));
      expect(provider.status('same')?.availableReplicas).to.equal(0);
      await available('same');
      expect(await call(provider, 'same')).to.not.equal(born);
    });

    it('scales out, spreads requests and scales in', async () => {
      await images.addFunction(
        'registry/wide:1',
        functionCode('return process.env.TMPDIR + port', `const port = Math.random();`),
      );
      await provider.deploy(specOf('wide'));
      await provider.scale('wide', 3);
      await eventually(() => expect(provider.status('wide')?.availableReplicas).to.equal(3));
      const answers = new Set<string>();
      for (let i = 0; i < 9; i += 1) answers.add(await call(provider, 'wide'));
      expect(answers.size).to.equal(3);
      await provider.scale('wide', 1);
      await eventually(() =>
        expect(provider.status('wide')).to.include({ replicas: 1, availableReplicas: 1 }),
      );
    });

    it('restarts a replica that exits on its own', async () => {
      await images.addFunction(
        'registry/exit:1',
        functionCode(
          `if (request.url === '/die') process.exit(3); return String(born)`,
          'const born = Math.random();',
        ),
      );
      await provider.deploy(specOf('exit'));
      const first = await call(provider, 'exit');
      await call(provider, 'exit', '/die').catch(() => undefined);
      await eventually(async () => expect(await call(provider, 'exit')).to.not.equal(first));
    });

    it('kills a replica over its memory limit and says so (needs Linux)', async function () {
      if (process.platform !== 'linux') this.skip();
      await images.addFunction(
        'registry/hog:1',
        functionCode(
          `if (request.url === '/eat') for (let i = 0; i < 30; i += 1) { kept.push(Buffer.alloc(10 << 20, 1)); await new Promise((done) => setTimeout(done, 20)); } return 'ate'`,
          'const kept = [];',
        ),
      );
      await provider.deploy(specOf('hog', { limits: { memory: '100Mi' } }));
      await call(provider, 'hog');
      await call(provider, 'hog', '/eat').catch(() => undefined);
      await eventually(async () => {
        const lines = await readLog(provider, 'hog');
        expect(lines.map((line) => line.text).join()).to.match(
          /used \d+ MiB of memory, its limit is 100 MiB/,
        );
      });
    });

    it('measures what a function uses (needs Linux)', async function () {
      if (process.platform !== 'linux') this.skip();
      await images.addFunction('registry/use:1', functionCode('return "x"'));
      await provider.deploy(specOf('use'));
      await eventually(() =>
        expect(provider.status('use')?.usage?.totalMemoryBytes).to.be.within(
          20 * 2 ** 20,
          200 * 2 ** 20,
        ),
      );
    });

    it('keeps logs, follows them and has them after a restart', async () => {
      const code = functionCode(
        `console.log('out ' + request.url); console.error('err'); return 'x'`,
      );
      await images.addFunction('registry/log:1', code);
      await provider.deploy(specOf('log'));
      const ending = new AbortController();
      const followed: LogLine[] = [];
      const following = (async () => {
        const query = { id: 'log', follow: true, signal: ending.signal };
        for await (const line of provider.logs(query)) followed.push(line);
      })();
      await call(provider, 'log', '/a');
      await eventually(() =>
        expect(followed.map(({ text }) => text)).to.include.members(['out /a', 'err']),
      );
      ending.abort();
      await following;
      expect(followed[0]).to.include({ name: 'log', namespace: 'openfaas-fn' });
      await provider.close();
      provider = await open();
      await provider.deploy(specOf('log'), { start: false });
      expect((await readLog(provider, 'log')).map(({ text }) => text)).to.include('out /a');
      expect(await readLog(provider, 'log', 1)).to.have.length(1);
    });

    it('stops waiting when the caller goes', async () => {
      await images.addFunction('registry/wait:1', 'setInterval(() => {}, 1000)');
      await provider.deploy(specOf('wait'));
      const caller = new AbortController();
      const waiting = provider.acquire('wait', caller.signal).catch((thrown: unknown) => thrown);
      caller.abort(new Error('gone'));
      expect(await waiting).to.have.property('message', 'gone');
    });

    it('does not know what was removed', async () => {
      await images.addFunction('registry/gone:1', functionCode('return "x"'));
      await provider.deploy(specOf('gone'));
      await call(provider, 'gone');
      await provider.remove('gone');
      expect(provider.status('gone')).to.equal(undefined);
      const error = await provider.acquire('gone').catch((thrown: unknown) => thrown);
      expect(error).to.include({ code: 'OFC_NOT_FOUND' });
      expect(await readdir(join(dir.path, 'logs'))).to.deep.equal([]);
    });

    it('ends on close everything it started, children of functions too (needs Linux)', async function () {
      if (process.platform !== 'linux') this.skip();
      await images.addFunction(
        'registry/fork:1',
        functionCode(
          `return 'x'`,
          `import { spawn } from 'node:child_process';
           spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'], { env: {} });`,
        ),
      );
      await provider.deploy(specOf('fork'));
      await call(provider, 'fork');
      const [name = ''] = await readdir(join(dir.path, 'processes'));
      const record = JSON.parse(await readFile(join(dir.path, 'processes', name), 'utf8')) as {
        pid: number;
        home: string;
      };
      const family = processTree(record.pid, processesByParent()).map(({ pid }) => pid);
      expect(family.length).to.be.at.least(2);
      await provider.close();
      // Killed by now, and gone as soon as their parent has reaped them.
      await eventually(() => {
        for (const pid of family) expect(readProcess(pid), String(pid)).to.equal(undefined);
      });
      expect(await readdir(join(dir.path, 'processes'))).to.deep.equal([]);
      expect(await readdir(tmpdir())).to.not.include(record.home.split('/').at(-2));
    });

    it('spares a process that only has the pid of a stray', async () => {
      const path = join(dir.path, 'processes', String(process.pid));
      await writeFile(
        path,
        JSON.stringify({ pid: process.pid, started: '1', home: join(dir.path, 'x') }),
      );
      const again = await open();
      await again.close();
      expect(await readdir(join(dir.path, 'processes'))).to.deep.equal([]);
    });
  });
}

async function readLog(provider: Provider, id: string, tail?: number): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  const signal = new AbortController().signal;
  for await (const line of provider.logs({ id, follow: false, signal, ...(tail && { tail }) })) {
    lines.push(line);
  }
  return lines;
}
