import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { readOptionalSecret, readSecret, secretFolder } from '#shared/secrets.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { tempDir } from '../helpers/temp-dir.ts';

describe('secrets', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let env: { secret_mount_path: string };

  before(async () => {
    dir = await tempDir();
    env = { secret_mount_path: dir.path };
    await writeFile(join(dir.path, 'good'), '  s3cret \n');
    await writeFile(join(dir.path, 'empty'), ' \n');
    await mkdir(join(dir.path, 'folder'));
  });
  after(() => dir.remove());

  it('are files in the folder of OpenFaaS unless another is set', () => {
    expect(secretFolder({})).to.equal('/var/openfaas/secrets');
    expect(secretFolder({ secret_mount_path: '' })).to.equal('/var/openfaas/secrets');
    expect(secretFolder(env)).to.equal(dir.path);
  });

  it('are trimmed', () => {
    expect(readSecret('good', env)).to.equal('s3cret');
    expect(readOptionalSecret('good', env)).to.equal('s3cret');
  });

  for (const name of ['missing', 'empty']) {
    it(`that are ${name} are refused with the fix, or undefined if they may be`, async () => {
      expect(readOptionalSecret(name, env)).to.equal(undefined);
      const error = await expectCode(() => readSecret(name, env), 'OFC_CONFIG');
      expect(error.hint).to.include(`faas-cli secret create ${name}`);
    });
  }

  it('that cannot be read are a mistake of the configuration even if they may be absent', async () => {
    await expectCode(() => readOptionalSecret('folder', env), 'OFC_CONFIG');
  });
});
