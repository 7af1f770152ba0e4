import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import { extractContext } from '#shared/tar/extract-context.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { streamOf, tarOf } from './tar-of.ts';

const config = { name: 'com.openfaas.docker.config', content: '{"image":"a:1"}' };

describe('extractContext', () => {
  let base: string;
  let remove: () => Promise<void>;

  beforeEach(async () => {
    ({ path: base, remove } = await tempDir());
  });
  afterEach(() => remove());

  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: unknown) => error,
    );

  it('writes the context, and only that', async () => {
    const tar = await tarOf([
      { name: 'context/bin/run', mode: 0o6777, content: 'x'.repeat(100_000) },
      { name: 'context/empty', type: 'directory', mode: 0o000 },
      { name: 'context/Dockerfile', mode: 0o600, content: 'FROM x' },
      config,
      { name: 'com.openfaas.secrets', content: 'sealed' },
    ]);
    const folder = join(base, 'out');
    const umask = process.umask(0o077);
    const request = await extractContext(streamOf(tar), folder).finally(() => process.umask(umask));
    expect(request.config).to.deep.equal({ image: 'a:1', buildArgs: {} });
    expect(String(request.secrets)).to.equal('sealed');
    expect((await readdir(folder)).sort()).to.deep.equal(['Dockerfile', 'bin', 'empty']);
    expect(await readdir(base)).to.deep.equal(['out']);
    expect(await readFile(join(folder, 'bin/run'), 'utf8')).to.have.length(100_000);
    expect((await stat(join(folder, 'bin/run'))).mode & 0o7777).to.equal(0o755);
    expect((await stat(join(folder, 'Dockerfile'))).mode & 0o7777).to.equal(0o644);
  });

  it('writes nothing outside, whatever the tar says', async () => {
    const folder = join(base, 'out');
    await mkdir(folder);
    const names = ['context/../../escaped', join(base, 'escaped'), '../escaped'];
    for (const [index, name] of names.entries()) {
      const tar = await tarOf([config, { name, content: 'x' }]);
      const error = await failure(extractContext(streamOf(tar), join(folder, String(index))));
      expect(error).to.be.instanceOf(CloudError).with.property('code', 'OFC_SOURCE_REFUSED');
    }
    expect(await readdir(base)).to.deep.equal(['out']);
    expect((await readdir(folder)).sort()).to.deep.equal(['0', '1', '2']);
  });

  it('takes only a folder that is not there yet, so nothing in it can be a link', async () => {
    const tar = await tarOf([config, { name: 'context/a', content: 'evil' }]);
    await mkdir(join(base, 'target'));
    await writeFile(join(base, 'target/a'), 'kept');
    await symlink(join(base, 'target'), join(base, 'out'));
    for (const folder of ['target', 'out']) {
      const error = await failure(extractContext(streamOf(tar), join(base, folder)));
      expect(error).to.have.property('code', 'EEXIST');
    }
    expect(await readFile(join(base, 'target/a'), 'utf8')).to.equal('kept');
  });
});
