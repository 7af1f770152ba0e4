import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { createSecretStore, type SecretStore } from '../../../local/secrets/secret-store.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const codeOf = (promise: Promise<unknown>): Promise<string | undefined> =>
  promise.then(
    () => undefined,
    (error) => error.code,
  );

describe('secret store', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let folder = '';
  let secrets: SecretStore;
  beforeEach(async () => {
    dir = await tempDir();
    folder = join(dir.path, 'secrets');
    secrets = await createSecretStore({ folder });
  });
  afterEach(() => dir.remove());

  it('keeps bytes as they are', async () => {
    const value = Buffer.from([0, 255, 10, 13, 128]);
    await secrets.create('a.b-c', value);
    expect(await secrets.read('a.b-c')).to.deep.equal(value);
    await secrets.update('a.b-c', Buffer.from('new'));
    expect(String(await secrets.read('a.b-c'))).to.equal('new');
    expect(await readdir(folder)).to.deep.equal(['a.b-c']);
  });

  it('is readable by its owner only', async () => {
    await secrets.create('s', Buffer.from('v'));
    expect((await stat(join(folder, 's'))).mode & 0o777).to.equal(0o600);
    expect((await stat(folder)).mode & 0o777).to.equal(0o700);
  });

  it('lists names in order, those of an earlier run too', async () => {
    await secrets.create('b', Buffer.from(''));
    await secrets.create('a', Buffer.from(''));
    expect(await (await createSecretStore({ folder })).list()).to.deep.equal(['a', 'b']);
  });

  it('tells what is there from what is not', async () => {
    await secrets.create('s', Buffer.from('1'));
    expect(await codeOf(secrets.create('s', Buffer.from('2')))).to.equal('OFC_CONFLICT');
    expect(String(await secrets.read('s'))).to.equal('1');
    expect(await secrets.read('t')).to.equal(undefined);
    expect(await codeOf(secrets.update('t', Buffer.from('1')))).to.equal('OFC_NOT_FOUND');
    await secrets.remove('s');
    expect(await codeOf(secrets.remove('s'))).to.equal('OFC_NOT_FOUND');
  });

  it('takes no name that is a path', async () => {
    const names = [
      '',
      '.',
      '..',
      '../x',
      'a/b',
      '/etc/passwd',
      'a\0b',
      'A',
      '.hidden',
      'a..b',
      '-a',
      'x'.repeat(254),
    ];
    for (const name of names) {
      expect(await codeOf(secrets.create(name, Buffer.from('v'))), name).to.equal(
        'OFC_NAME_INVALID',
      );
      expect(await codeOf(secrets.read(name)), name).to.equal('OFC_NAME_INVALID');
      expect(await codeOf(secrets.remove(name)), name).to.equal('OFC_NAME_INVALID');
    }
    expect(await readdir(dir.path)).to.deep.equal(['secrets']);
  });
});
