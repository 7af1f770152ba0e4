import { execFile } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { tempDir } from '../helpers/temp-dir.ts';

const script = join(import.meta.dirname, '../../secrets/generate.mjs');

const made = [
  'gitea-webhook-secret',
  'github-webhook-secret',
  'gitlab-webhook-secret',
  'jwt-private-key',
  'jwt-public-key',
  'payload-secret',
  's3-access-key',
  's3-secret-key',
  'sealing-private-key',
];

describe('secrets/generate', () => {
  let temp: Awaited<ReturnType<typeof tempDir>>;
  const generate = (...args: string[]) =>
    promisify(execFile)(process.execPath, [script, ...args], { cwd: temp.path });
  const read = (name: string) => readFile(join(temp.path, '.secrets', name), 'utf8');

  beforeEach(async () => {
    temp = await tempDir();
  });
  afterEach(() => temp.remove());

  it('makes what can be made, for its owner only, and names the rest', async () => {
    const { stdout } = await generate();
    expect((await readdir(join(temp.path, '.secrets'))).sort()).to.deep.equal(made);
    for (const name of made) {
      expect((await stat(join(temp.path, '.secrets', name))).mode & 0o777).to.equal(0o600);
      expect(stdout).to.not.include((await read(name)).trim());
    }
    for (const name of ['basic-auth-password', 'private-key', 'of-client-secret', 'customers']) {
      expect(stdout).to.match(new RegExp(`^add {6}${name}: `, 'm'));
    }
  });

  it('makes strong values that differ, and a key pair that belongs together', async () => {
    await generate();
    const payload = await read('payload-secret');
    expect(Buffer.from(payload.trim(), 'base64url')).to.have.length(32);
    expect(payload).to.not.equal(await read('github-webhook-secret'));
    const fromPrivate = createPublicKey(await read('jwt-private-key'));
    expect(fromPrivate.asymmetricKeyDetails).to.deep.include({ namedCurve: 'prime256v1' });
    expect(fromPrivate.export({ type: 'spki', format: 'pem' })).to.equal(
      await read('jwt-public-key'),
    );
  });

  it('never touches a file that is there', async () => {
    await generate();
    await writeFile(join(temp.path, '.secrets/payload-secret'), 'mine');
    const key = await read('jwt-private-key');
    const { stdout } = await generate();
    expect(await read('payload-secret')).to.equal('mine');
    expect(await read('jwt-private-key')).to.equal(key);
    expect(stdout).to.include('kept     payload-secret').and.not.include('wrote');
  });

  it('does not complete half a key pair with a foreign half', async () => {
    await generate();
    await rm(join(temp.path, '.secrets/jwt-public-key'));
    const failure = await generate().then(
      () => undefined,
      (error: { code: number; stdout: string }) => error,
    );
    expect(failure?.code).to.equal(1);
    expect(failure?.stdout).to.include('missing  jwt-public-key');
    expect(await readdir(join(temp.path, '.secrets'))).to.not.include('jwt-public-key');
  });

  it('writes nothing with --dry-run, --help or a wrong option', async () => {
    expect((await generate('--dry-run')).stdout).to.include('would write payload-secret');
    expect((await generate('--help')).stdout).to.include('Usage:');
    const failure = await generate('--force').then(
      () => undefined,
      (error: { code: number; stderr: string }) => error,
    );
    expect(failure?.code).to.equal(2);
    expect(failure?.stderr).to.include('--help');
    expect(await readdir(temp.path)).to.deep.equal([]);
  });

  it('writes where it is told', async () => {
    await generate('--out', 'elsewhere');
    expect((await readdir(join(temp.path, 'elsewhere'))).sort()).to.deep.equal(made);
  });
});
