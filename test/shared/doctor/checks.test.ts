import { expect } from 'chai';
import { type Check, runChecks } from '#shared/doctor/check.ts';
import { checks } from '#shared/doctor/checks.ts';
import { findingKinds } from '#shared/doctor/finding.ts';
import { neededFunctions, neededSecrets } from '#shared/doctor/needs.ts';
import { tableRows } from '../../helpers/markdown-table.ts';
import { platformStack } from '../../helpers/platform-environment.ts';
import { readSource } from '../../helpers/source-files.ts';
import { useClinic } from './clinic.ts';

describe('checks of the doctor', () => {
  const { patient } = useClinic();

  it('cover what docs/doctor.md says, code by code', () => {
    const documented = tableRows(readSource('docs/doctor.md'), 'code');
    const inCode = Object.entries(findingKinds)
      .filter(([, { level }]) => level !== 'ok')
      .map(([code, { level, why, fix }]) => [code, level, why, fix]);
    expect(documented).to.deep.equal(inCode);
    const names = tableRows(readSource('docs/doctor.md'), 'check').map(([name]) => name);
    expect([...names].sort()).to.deep.equal(checks.map(({ name }) => name).sort());
  });

  it('know which functions and secrets are needed', () => {
    const readme = tableRows(readSource('README.md'), 'function');
    const needed = readme.filter((cells) => !cells[3]?.startsWith('yes')).map(([name]) => name);
    expect([...neededFunctions].sort()).to.deep.equal([...needed].sort());
    const listed = platformStack()
      .functions.filter(({ key }) => neededFunctions.includes(key))
      .flatMap((fn) => fn.secrets);
    expect(neededSecrets(patient()).sort()).to.deep.equal([...new Set(listed)].sort());
    expect(
      neededSecrets(patient({ basic_auth: 'false', validate_customers: 'false', client_id: '' })),
    ).to.not.include.members(['basic-auth-user', 'customers', 'of-client-secret']);
  });

  it('end in time, whatever a check does', async () => {
    const slow: Check = { name: 'slow', run: () => new Promise(() => undefined) };
    const broken: Check = {
      name: 'broken',
      run: async () => {
        throw new Error('secret detail');
      },
    };
    const findings = await runChecks([slow, broken], patient(), 50);
    expect(findings.map(({ code }) => code)).to.deep.equal(['check-failed', 'check-failed']);
    expect(JSON.stringify(findings)).to.not.include('secret detail');
  });
});
