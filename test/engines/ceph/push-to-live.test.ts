import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { type Ceph, startCeph } from '../../helpers/ceph.ts';
import { answering, deploymentsOn, stackFile } from '../../helpers/deployments.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import { type PlatformProcess, startPlatformProcess } from '../../helpers/platform-process.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

describeWith(['ceph'], 'push to live with Ceph RGW as the object store', function () {
  this.timeout(240_000);
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let ceph: Ceph;
  let platform: PlatformProcess;
  const on = deploymentsOn(() => platform);

  before(async () => {
    folder = await tempDir();
    ceph = await startCeph();
    const data = join(folder.path, 'data');
    await mkdir(join(data, 'secrets'), { recursive: true, mode: 0o700 });
    await writeFile(join(data, 'secrets/s3-access-key'), ceph.accessKey, { mode: 0o600 });
    await writeFile(join(data, 'secrets/s3-secret-key'), ceph.secretKey, { mode: 0o600 });
    platform = await startPlatformProcess(data, ['--port', '0', '--s3', ceph.url]);
  });
  after(async () => {
    await platform?.stop();
    await ceph?.stop();
    await folder.remove();
  });

  it('deploys, builds only what changed, rolls an update over, and keeps its records there', async () => {
    const repo = await on.repo('alice', 'on-ceph');
    const first = await on.push(repo, {
      'stack.yml': stackFile('one', 'two'),
      'one/handler.ts': answering('first'),
      'two/handler.ts': answering('two'),
    });
    const checks = await on.completed('alice', 'on-ceph', first);
    expect([...checks.values()].map(({ conclusion }) => conclusion)).to.deep.equal(
      Array(3).fill('success'),
    );
    const second = await on.push(repo, { 'one/handler.ts': answering('second') });
    await on.completed('alice', 'on-ceph', second);
    expect((await on.call('alice', '/one')).text).to.equal('second');
    expect((await on.call('alice', '/two')).text).to.equal('two');
    await repo.remove();

    const { url: endpoint, region, accessKey, secretKey } = ceph;
    const config = { endpoint, region, bucket: 'pipeline', accessKey, secretKey };
    const keys = await createS3ObjectStore(config).list('deployments/alice/on-ceph/');
    expect(keys.filter((key) => key.endsWith('/closed.json'))).to.have.length(2);
  });
});
