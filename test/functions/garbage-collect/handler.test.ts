import { expect } from 'chai';
import { refOf } from '#shared/pipeline/deployment.ts';
import { eventually } from '../../helpers/eventually.ts';
import { deploymentStage, stack } from '../deployment/stage.ts';

describe('the handlers of a deployment, on a real store, a git server and a builder', () => {
  const on = deploymentStage();

  it('collect what a repo no longer has, when a signed message says so', async () => {
    const deployment = await on.begin({ 'stack.yml': stack('one') });
    await on.call('buildshiprun', refOf(deployment));
    await on.closed(deployment);
    const { owner, repo: name } = deployment;
    const answer = await on.call('garbage-collect', { owner, repo: name, functions: [] });
    expect(JSON.parse(answer.body)).to.deep.equal({ removed: ['alice-one'] });
    expect(on.functions.size).to.equal(0);
    await eventually(() =>
      expect(on.calls.filter((it) => it === 'audit-event').length).to.be.greaterThan(1),
    );
  });

  it('sweep when nobody says anything, once a minute', async () => {
    const deployment = await on.begin({ 'stack.yml': stack('one') });
    await on.forgetSweeps();
    const asked = [];
    for (let count = 0; count < 3; count += 1) {
      asked.push((await on.call('garbage-collect', undefined, { headers: {} })).status);
    }
    expect(asked.filter((status) => status === 200).length).to.be.within(1, 2);
    expect(asked).to.include(429);
    expect(await on.closed(deployment)).to.include({ state: 'live' });
  });
});
