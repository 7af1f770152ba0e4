import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { checkStore } from '#shared/doctor/check-store.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { nobody, useClinic } from './clinic.ts';

describe('the object store, as the doctor checks it', () => {
  const clinic = useClinic();
  const { serve, expectCodes, write } = clinic;

  it('is well, and nothing is left in it', async () => {
    await expectCodes(checkStore, {}, 'ok');
    const config = {
      endpoint: clinic.store.url,
      region: 'us-east-1',
      bucket: 'pipeline',
      accessKey: 'access',
      secretKey: 'a-long-enough-secret',
    };
    expect(await createS3ObjectStore(config).list('')).to.deep.equal([]);
  });

  it('is not there, refuses us', async () => {
    await expectCodes(checkStore, { s3_url: nobody }, 'store-unreachable');
    await write('s3-secret-key', 'wrong-but-long-enough');
    await expectCodes(checkStore, {}, 'store-credentials');
  });

  it('ignores conditions: every writer wins', async () => {
    const careless = await serve({
      '*': async (request, response) => {
        await buffer(request);
        const body = request.method === 'GET' ? '3' : '';
        response.writeHead(200, { etag: '"x"', 'content-length': body.length }).end(body);
      },
    });
    expect(await expectCodes(checkStore, { s3_url: careless }, 'store-conditional')).to.include(
      '8 were told',
    );
  });
});
