import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { Finding } from '#shared/doctor/finding.ts';
import { httpGet } from '#shared/doctor/http-get.ts';
import type { PlatformProcess } from '../helpers/platform-process.ts';
import { sharedPlatform } from '../helpers/shared-platform.ts';
import { root } from '../helpers/source-files.ts';

describe('npm run doctor', function () {
  this.timeout(240_000);
  let platform: PlatformProcess;
  before(async () => {
    platform = await sharedPlatform();
  });

  const doctor = async (...args: string[]) => {
    const own = ['--secrets', join(platform.data, 'secrets')];
    const url = ['--deployed', `http://127.0.0.1:${platform.port}`];
    const command = [join(root, 'local/doctor.mjs'), ...own, ...url, ...args];
    return promisify(execFile)(process.execPath, command, { cwd: root }).then(
      ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    );
  };
  const findingsOf = (stdout: string) => (JSON.parse(stdout) as { findings: Finding[] }).findings;

  it('finds nothing wrong in a platform that runs: secrets, gateway, queue, store, builder, hosts', async () => {
    const { code, stdout } = await doctor('--json');
    const findings = findingsOf(stdout);
    const levels = Object.fromEntries(findings.map(({ check, level }) => [check, level]));
    const ok = ['secrets', 'gateway', 'store', 'queue', 'builder', 'hosts', 'clocks'];
    expect(levels).to.include(Object.fromEntries(ok.map((name) => [name, 'ok'])));
    expect(findings.find(({ check }) => check === 'queue')?.what).to.match(/arrived after \d+ ms/);
    expect(code).to.equal(0);
  });

  it('says what is wrong, why and what to do, and ends with 1', async () => {
    const { code, stdout } = await doctor(
      '--only',
      'gateway',
      '--set',
      'gateway_url=http://127.0.0.1:1',
    );
    expect(code).to.equal(1);
    expect(stdout).to.include('✘ gateway: http://127.0.0.1:1 does not answer: ECONNREFUSED.');
    expect(stdout).to.include('[gateway-unreachable]').and.include('To do: Check gateway_url');
    expect(stdout).to.include('1 error, 0 warnings.');
  });

  it('explains itself, and refuses what it does not know', async () => {
    expect((await doctor('--help')).stdout).to.include('Usage: npm run doctor');
    for (const args of [['--only', 'x'], ['--set', 'x'], ['--timeout', 'x'], ['--what']]) {
      const { code, stderr } = await doctor(...args);
      expect([args, code]).to.deep.equal([args, 2]);
      expect(stderr).to.include('--help');
    }
  });

  it('shows its page to nobody who is not signed in, and believes no visitor’s headers', async () => {
    const signal = AbortSignal.timeout(20_000);
    const url = `http://system.localhost:${platform.port}/doctor`;
    const identity = Buffer.from(JSON.stringify({ login: 'mallory', operator: true })).toString(
      'base64url',
    );
    for (const headers of [{}, { 'x-cloud-identity': identity, 'x-cloud-signature': 'v1=x' }]) {
      const { status } = await httpGet(url, { signal, headers });
      expect(status).to.be.oneOf([401, 403]);
    }
  });
});
