import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat, utimes } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { sharedPlatform } from '../helpers/shared-platform.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const start = `${root}/local/start.mjs`;
const npmStart = (...args: string[]) =>
  spawnSync(process.execPath, [start, ...args], { encoding: 'utf8', timeout: 60_000 });

describe('npm start', function () {
  this.timeout(240_000);

  it('explains itself', () => {
    const { stdout, status } = npmStart('--help');
    expect(status).to.equal(0);
    for (const option of [
      '--port',
      '--data',
      '--no-sample',
      '--customers',
      '--engine',
      '--isolation',
    ]) {
      expect(stdout).to.contain(option);
    }
  });

  it('bundles itself again only if a file of it changed', async () => {
    const made = async () => (await stat(`${root}/dist/main.mjs`)).mtimeMs;
    npmStart('--help');
    const first = await made();
    npmStart('--help');
    expect(await made()).to.equal(first);
    await utimes(`${root}/local/main.ts`, new Date(), new Date());
    npmStart('--help');
    expect(await made()).to.be.above(first);
  });

  it('says in one line what is wrong with an option', () => {
    for (const args of [
      ['--prot', '1'],
      ['--port', 'x'],
      ['--isolation', 'chroot'],
      ['--engine', 'podman'],
      ['--idle', '5x'],
      ['--idle', '0s'],
      ['--notify', ',,'],
      ['--notify', '10.0.0.0/x'],
      ['--customers', '/no/such/file'],
    ]) {
      const { stderr, status } = npmStart(...args);
      expect(status).to.equal(1);
      expect(stderr.trim().split('\n'), stderr).to.have.length(1);
      expect(stderr).to.contain('--help');
    }
  });

  it('says in one line that npm took the options for its own', () => {
    const env = {
      ...process.env,
      npm_lifecycle_event: 'start',
      npm_config_port: 'true',
      npm_config_sample: '',
    };
    const { stderr, status } = spawnSync(process.execPath, [start, '9000'], {
      env,
      encoding: 'utf8',
    });
    expect(status).to.equal(1);
    expect(stderr.trim()).to.equal(
      'OFC_BAD_REQUEST: npm took --port, --no-sample for its own. Put "--" before the options: npm start -- --port … --no-sample.',
    );
  });

  it('says in one line that the data folder cannot be used', () => {
    const { stderr, status } = npmStart('--port', '0', '--data', `${start}/below-a-file`);
    expect(status).to.equal(1);
    expect(stderr.trim().split('\n'), stderr).to.have.length(1);
    expect(stderr).to.contain('--data');
  });

  it('says in one line that Node is too old', () => {
    const older = "Object.defineProperty(process.versions, 'node', { value: '18.20.4' })";
    const { stderr, status } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(older)}`, start],
      { encoding: 'utf8' },
    );
    expect(status).to.equal(1);
    expect(stderr.trim().split('\n'), stderr).to.have.length(1);
    expect(stderr).to.contain('18.20.4').and.to.contain('20.19');
  });

  it('says in one line that git is missing', () => {
    const { stderr, status } = spawnSync(process.execPath, [start], {
      encoding: 'utf8',
      env: { PATH: '' },
    });
    expect(status).to.equal(1);
    expect(stderr.trim().split('\n'), stderr).to.have.length(1);
    expect(stderr).to.contain('git');
  });

  it('says in one line that the port is taken, and leaves nothing running', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const folder = await tempDir();
    const { stderr, status } = npmStart('--port', String(port), '--data', folder.path);
    taken.close();
    expect(await readdir(folder.path), 'nothing is made before').to.deep.equal([]);
    await folder.remove();
    expect(status).to.equal(1);
    expect(stderr.trim().split('\n'), stderr).to.have.length(1);
    expect(stderr).to.contain(String(port)).and.to.contain('--port');
  });

  it('sends a browser from the gateway’s root to the page for people, and nobody else', async () => {
    const { port } = await sharedPlatform();
    const ask = async (path: string, accept: string) => {
      const url = `http://127.0.0.1:${port}${path}`;
      const answer = await fetch(url, { headers: { accept }, redirect: 'manual' });
      return [answer.status, answer.headers.get('location')];
    };
    expect(await ask('/', 'text/html,*/*')).to.deep.equal([
      307,
      `http://system.localhost:${port}/`,
    ]);
    expect(await ask('/', '*/*')).to.deep.equal([307, '/ui/']);
    expect(await ask('/ui/', 'text/html')).to.deep.equal([401, null]);
    expect(await ask('/system/functions', 'text/html')).to.deep.equal([401, null]);
  });

  it('prints the login of faas-cli, the isolation in force and where it is ready', async () => {
    const output = (await sharedPlatform()).output();
    expect(output).to.match(/faas-cli login --gateway http:\/\/127\.0\.0\.1:\d+/);
    expect(output).to.match(/Each function/);
    expect(output).to.match(/^Ready: http:\/\/system\.localhost:\d+\/$/m);
  });
});
