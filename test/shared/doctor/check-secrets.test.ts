import { generateKeyPairSync } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { runChecks } from '#shared/doctor/check.ts';
import { checkSecrets } from '#shared/doctor/check-secrets.ts';
import { useClinic } from './clinic.ts';

describe('secrets, as the doctor checks them', () => {
  const clinic = useClinic();
  const { patient, examine, expectCodes, write } = clinic;

  it('are content with what the generator makes', () => expectCodes(checkSecrets, {}, 'ok'));

  it('find what is missing, malformed, weak, or does not fit', async () => {
    await rm(join(clinic.secrets, 'private-key'));
    await write('customers', '# nobody\n');
    await write('payload-secret', 'short');
    const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    await write('jwt-public-key', String(other.publicKey.export({ type: 'spki', format: 'pem' })));
    await write('docker-config', 'no JSON');
    await write('buildkit-client-cert', 'x');
    const { codes, text } = await examine(checkSecrets);
    expect([...codes].sort()).to.deep.equal([
      'secret-missing',
      'secret-pair',
      'secret-shape',
      'secret-shape',
      'secret-shape',
      'secret-weak',
    ]);
    for (const name of [
      'private-key',
      'customers',
      'payload-secret',
      'jwt-public-key',
      'docker-config',
      'buildkit-client-cert',
    ])
      expect(text).to.include(name);
    expect(text).to.not.include('short');
  });

  it('refuse a private key where a public one belongs, and another curve', async () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey;
    await write('jwt-private-key', String(key.export({ type: 'pkcs8', format: 'pem' })));
    await write('jwt-public-key', String(key.export({ type: 'pkcs8', format: 'pem' })));
    const { codes } = await examine(checkSecrets);
    expect(codes.filter((code) => code === 'secret-shape')).to.have.length(2);
  });

  it('do not ask a function for secrets that it does not have', async () => {
    await rm(clinic.secrets, { recursive: true });
    const [found] = await runChecks([checkSecrets], { ...patient(), allSecrets: false });
    expect(found?.code).to.equal('ok');
  });
});
