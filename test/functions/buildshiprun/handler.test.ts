import { expect } from 'chai';
import { signedCallbackUrl } from '#shared/messages/callback-url.ts';
import { refOf } from '#shared/pipeline/deployment.ts';
import { deploymentStage, signer, stack } from '../deployment/stage.ts';

describe('the handlers of a deployment, on a real store, a git server and a builder', () => {
  const on = deploymentStage();

  it('take a step back that failed, and only for a signed callback', async () => {
    const deployment = await on.begin({ 'stack.yml': stack('one') });
    const ref = refOf(deployment);
    const limits = { leaseMs: 60_000, maxAttempts: 9 };
    expect(await on.records().claim(ref, 'plan', limits)).to.equal('won');
    const path = (claim: string) => {
      const url = new URL(
        signedCallbackUrl(signer, on.gateway().url, 'buildshiprun', { ...ref, claim }),
      );
      return `/${url.search}`;
    };
    const back = (url: string, status: string) =>
      on.call('buildshiprun', undefined, { path: url, headers: { 'x-function-status': status } });
    expect((await back(path('plan').replace('alice', 'bob'), '500')).status).to.equal(401);
    expect((await back(path('deploy/one'), '500')).status).to.equal(400);
    expect((await back(path('build/..'), '500')).status).to.equal(422);
    expect((await back(path('plan'), '200')).status).to.equal(200);
    expect(await on.records().claim(ref, 'plan', limits)).to.equal('held');
    expect((await back(path('plan'), '502')).status).to.equal(200);
    expect(await on.closed(deployment)).to.include({ state: 'live' });
  });
});
