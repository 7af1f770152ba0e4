import { type Ceph, startCeph } from '../../helpers/ceph.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import { objectStoreContract } from '../../helpers/object-store-contract.ts';
import { s3Conformance } from '../../helpers/s3-conformance.ts';

describeWith(['ceph'], 'Ceph RGW as the object store', () => {
  let ceph: Ceph;

  before(async function () {
    this.timeout(180_000);
    ceph = await startCeph();
  });
  after(async function () {
    this.timeout(60_000);
    await ceph.stop();
  });

  const started = async () => ({ ...ceph, stop: async () => undefined });
  s3Conformance('S3 conformance', started, ['trailers', 'part checks', 'aborted uploads']);
  objectStoreContract('the adapter', started);
});
