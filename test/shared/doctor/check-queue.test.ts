import { expect } from 'chai';
import { runChecks } from '#shared/doctor/check.ts';
import { checkQueue, checkSweeps } from '#shared/doctor/check-queue.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { json, useClinic } from './clinic.ts';

describe('queue and sweeps, as the doctor checks them', () => {
  const clinic = useClinic();
  const { serve, patient, expectCodes } = clinic;

  it('sweeps: none ever, one long ago, one now', async () => {
    const config = {
      endpoint: clinic.store.url,
      region: 'us-east-1',
      bucket: 'pipeline',
      accessKey: 'access',
      secretKey: 'a-long-enough-secret',
    };
    const objects = createS3ObjectStore(config);
    expect(await expectCodes(checkSweeps, {}, 'sweep-silent')).to.include('No sweep');
    const minute = Math.floor(Date.now() / 60_000);
    await objects.put(`sweeps/${minute - 30}`, '');
    expect(await expectCodes(checkSweeps, {}, 'sweep-silent')).to.match(/3\d minutes ago/);
    await objects.put(`sweeps/${minute}`, '');
    await expectCodes(checkSweeps, {}, 'ok');
  });

  it('queue: not there, or nobody to answer', async () => {
    const list = { 'GET /system/functions': json([{ name: 'doctor' }]) };
    const off = await serve(list);
    await expectCodes(checkQueue, { gateway_url: off }, 'queue-off');
    const alone = await serve({ 'GET /system/functions': json([]) });
    await expectCodes(checkQueue, { gateway_url: alone }, 'not-checked');
  });

  it('queue: a message that does not arrive', async function () {
    this.timeout(30_000);
    const lost = await serve({
      'GET /system/functions': json([{ name: 'doctor' }]),
      'POST /async-function/doctor': json({}, 202),
    });
    const [found] = await runChecks([checkQueue], patient({ gateway_url: lost }), 25_000);
    expect(found?.code).to.equal('queue-lost');
  });
});
