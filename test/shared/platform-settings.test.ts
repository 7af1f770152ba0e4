import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Environment, loadConfig } from '#shared/config.ts';
import { createSigner } from '#shared/messages/signature.ts';
import { loadPipeline } from '#shared/pipeline/pipeline.ts';
import { gatewaySettings, signerSettings, storeSettings } from '#shared/platform-settings.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { tempDir } from '../helpers/temp-dir.ts';

describe('settings of the platform', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let env: Environment;

  before(async () => {
    dir = await tempDir();
    env = { secret_mount_path: dir.path };
    const secrets = {
      'basic-auth-user': 'admin',
      'basic-auth-password': 'pass',
      'payload-secret': 'new',
      'payload-secret-previous': 'old',
      's3-access-key': 'id',
      's3-secret-key': 'key',
    };
    for (const [name, value] of Object.entries(secrets)) {
      await writeFile(join(dir.path, name), `${value}\n`);
    }
  });
  after(() => dir.remove());

  it('give the gateway credentials only to who needs /system', () => {
    const of = (admin: boolean, more: Environment = {}) =>
      loadConfig((settings) => gatewaySettings(settings, { admin }), { ...env, ...more });
    const url = 'http://gateway.openfaas:8080';
    expect(of(true)).to.deep.equal({ url, credentials: { user: 'admin', password: 'pass' } });
    expect(of(false)).to.deep.equal({ url });
    expect(of(true, { basic_auth: 'false' })).to.deep.equal({ url });
    expect(of(false, { gateway_url: 'http://gw/' })).to.deep.equal({ url: 'http://gw' });
  });

  it('sign with the new secret and accept the old one', async () => {
    const signer = loadConfig(signerSettings, env);
    const parts = { receiver: 'git-tar', method: 'POST', path: '/', body: 'x' };
    signer.verify(parts, createSigner({ current: 'old' }).sign(parts));
    createSigner({ current: 'new' }).verify(parts, signer.sign(parts));
    const foreign = createSigner({ current: 'other' }).sign(parts);
    await expectCode(() => signer.verify(parts, foreign), 'OFC_UNAUTHENTICATED');
  });

  it('take the address of the store with or without a scheme', () => {
    const endpoint = (more: Environment) => loadConfig(storeSettings, { ...env, ...more }).endpoint;
    expect(endpoint({ s3_url: 'minio:9000' })).to.equal('http://minio:9000');
    expect(endpoint({ s3_url: 'minio:9000', s3_tls: '1' })).to.equal('https://minio:9000');
    expect(endpoint({ s3_url: 'https://s3.example.com' })).to.equal('https://s3.example.com');
    const { bucket, region, accessKey, secretKey } = loadConfig(storeSettings, {
      ...env,
      s3_url: 'x',
    });
    expect([bucket, region, accessKey, secretKey]).to.deep.equal([
      'pipeline',
      'us-east-1',
      'id',
      'key',
    ]);
  });

  it('of the pipeline come together, or name what is missing', async () => {
    const load = (more: Environment) =>
      loadConfig((settings) => loadPipeline(settings, { admin: true }), { ...env, ...more });
    const pipeline = load({ s3_url: 'minio:9000' });
    expect(pipeline).to.include.keys('signer', 'gateway', 'store', 'records', 'messages');
    const error = await expectCode(() => load({ secret_mount_path: '/nowhere' }), 'OFC_CONFIG');
    for (const name of ['s3_url', 'payload-secret', 'basic-auth-user', 's3-access-key']) {
      expect(error.message).to.include(name);
    }
  });
});
