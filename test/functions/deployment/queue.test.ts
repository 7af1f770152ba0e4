import { expect } from 'chai';
import { type Deployment, refOf } from '#shared/pipeline/deployment.ts';
import { eventually } from '../../helpers/eventually.ts';
import { deploymentStage, stack } from './stage.ts';

describe('the handlers of a deployment, on a real store, a git server and a builder', () => {
  const on = deploymentStage();

  describe('with a queue as OpenFaaS CE has it', () => {
    beforeEach(() => {
      on.lane = Promise.resolve();
    });
    /** A sweep, as the cron connector asks for it; the minute between two is not waited for. */
    const swept = async (deployment: Deployment) => {
      await on.forgetSweeps();
      await on.call('garbage-collect', undefined, { headers: {} });
      await eventually(() => expect(on.pending.size).to.equal(0));
      return (await on.records().load(deployment))?.closed;
    };

    it('go live one call after the other', async () => {
      let [running, most] = [0, 0];
      on.answerBuild = (response) => {
        most = Math.max(most, ++running);
        setImmediate(() => {
          running -= 1;
          response.end('{"status":"success","digest":"sha256:abc"}\n');
        });
      };
      const deployment = await on.begin({ 'stack.yml': stack('one', 'two', 'three') });
      await on.call('buildshiprun', refOf(deployment));
      expect(await on.closed(deployment)).to.include({ state: 'live' });
      expect(most).to.equal(1);
    });

    for (const status of [429, 500, 503]) {
      for (const name of ['git-tar', 'of-builder', 'buildshiprun', 'github-status']) {
        it(`lose nothing where it answers ${status} to a message for ${name}`, async () => {
          let refusals = 0;
          on.queue.refuse = (to) => {
            if (to !== name || refusals > 0) return undefined;
            refusals += 1;
            return status;
          };
          const deployment = await on.begin({ 'stack.yml': stack('one', 'two') });
          await on.call('buildshiprun', refOf(deployment));
          await eventually(() => expect(on.pending.size).to.equal(0));
          expect(refusals).to.equal(1);
          await swept(deployment);
          expect(await on.closed(deployment)).to.include({ state: 'live' });
        });
      }
    }

    for (const [name, kind] of [
      ['github-status', 'message'],
      ['buildshiprun', 'message'],
      ['garbage-collect', 'message'],
      ['git-tar', 'callback'],
      ['of-builder', 'callback'],
    ] as const) {
      it(`lose nothing where it drops a ${kind} of ${name}`, async () => {
        let dropped = 0;
        on.queue.lose = (of, what) => {
          if (of !== name || what !== kind || dropped > 0) return false;
          dropped += 1;
          return true;
        };
        const deployment = await on.begin({ 'stack.yml': stack('one') });
        await on.call('buildshiprun', refOf(deployment));
        await eventually(() => expect(on.pending.size).to.equal(0));
        expect(dropped).to.equal(1);
        await swept(deployment);
        expect(await on.closed(deployment)).to.include({ state: 'live' });
      });
    }

    it('never send it what it does not take: 256,000 bytes', () => {
      expect(on.sizes.length).to.be.above(50);
      expect(Math.max(...on.sizes)).to.be.below(32 * 1024);
    });
  });
});
