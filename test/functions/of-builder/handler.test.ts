import { expect } from 'chai';
import { refOf } from '#shared/pipeline/deployment.ts';
import { eventually } from '../../helpers/eventually.ts';
import { deploymentStage, stack } from '../deployment/stage.ts';

describe('the handlers of a deployment, on a real store, a git server and a builder', () => {
  const on = deploymentStage();

  it('build no more at once than they may: the queue is asked to come again', async () => {
    const deployment = await on.begin({ 'stack.yml': stack('one') });
    await on.call('git-tar', refOf(deployment));
    let release: () => void = () => undefined;
    const began = new Promise<void>((resolve) => {
      on.answerBuild = (response) => {
        release = () => void response.end('{"status":"success"}\n');
        resolve();
      };
    });
    const message = { ...refOf(deployment), function: 'one' };
    const first = on.call('of-builder', message);
    await began;
    expect((await on.call('of-builder', message)).status).to.equal(429);
    release();
    expect((await first).status).to.equal(200);
    expect((await on.call('of-builder', message)).status).to.equal(200);
    await on.records().close(deployment, { state: 'cancelled', text: 'x', at: 1 });
    await on.records().settle(deployment);
  });

  it('wait for a builder that is full, also if the queue does not: no try is used up', async () => {
    const other = await on.begin({ 'stack.yml': stack('other') });
    await on.call('git-tar', refOf(other));
    let release: () => void = () => undefined;
    const began = new Promise<void>((resolve) => {
      on.answerBuild = (response) => {
        on.answerBuild = (next) => void next.end('{"status":"success"}\n');
        release = () => void response.end('{"status":"success"}\n');
        resolve();
      };
    });
    const full = on.call('of-builder', { ...refOf(other), function: 'other' });
    await began;
    const deployment = await on.begin({ 'stack.yml': stack('one') });
    await on.call('buildshiprun', refOf(deployment));
    // As many as there are step_attempts.
    const refusals = () => on.calls.filter((it) => it === 'of-builder 429');
    await eventually(() => expect(refusals()).to.have.length(2), { timeoutMs: 20_000 });
    expect((await on.records().load(deployment))?.closed).to.equal(undefined);
    release();
    await full;
    expect(await on.closed(deployment)).to.include({ state: 'live' });
    await on.records().close(other, { state: 'cancelled', text: 'x', at: 1 });
    await on.records().settle(other);
  });
});
