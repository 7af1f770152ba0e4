import { expect } from 'chai';
import * as v from 'valibot';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { type Beginning, beginDeployment } from '#shared/pipeline/begin-deployment.ts';
import { deploymentRefSchema, refOf } from '#shared/pipeline/deployment.ts';
import type { Messages, PushMessage } from '#shared/pipeline/messages.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import { deploymentState } from '#shared/pipeline/states.ts';
import { tell } from '#shared/pipeline/tell.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';
import { createRecordingMessages } from '../../helpers/recording-messages.ts';

const claim = { leaseMs: 60_000, maxAttempts: 3 };

function setUp(changes: Partial<Beginning> = {}) {
  const store = createMemoryObjectStore();
  const messages = createRecordingMessages();
  const records = createRecords(store, () => 0);
  const deps = { records, messages, buildBranches: [], claim, now: () => 0, ...changes };
  return { store, messages, records, deps };
}

describe('beginning a deployment', () => {
  it('records the push, tells the commit and has the repo read', async () => {
    const { deps, records, messages } = setUp();
    const push = testPush();
    expect(await beginDeployment(deps, push)).to.equal('started');
    const loaded = await records.load(push);
    const { defaultBranch: _, ...deployment } = push;
    expect(loaded?.deployment).to.deep.equal(deployment);
    expect(loaded && deploymentState(loaded)).to.equal('received');
    expect(await records.open()).to.deep.equal([refOf(push)]);
    expect((await records.newestHead(push.owner, push.repo, push.branch))?.id).to.equal(push.id);
    expect(messages.of('plan')).to.deep.equal([refOf(push)]);
    expect(messages.of('status')).to.deep.equal([refOf(push)]);
    expect(messages.of('audit')).to.have.length(1);
  });

  it('does not have the repo read twice when the push comes twice', async () => {
    const { deps, messages } = setUp();
    const push = testPush();
    await Promise.all([beginDeployment(deps, push), beginDeployment(deps, push)]);
    await beginDeployment(deps, push);
    expect(messages.of('plan')).to.have.length(1);
  });

  // The original answered `skipping build for: refs/heads/staging branch, the build branch is: master`
  // and a green check; here the check says that it was skipped.
  it('does not build another branch, and says why', async () => {
    const { deps, records, messages } = setUp();
    const push = testPush({ branch: 'staging', defaultBranch: 'master' });
    expect(await beginDeployment(deps, push)).to.equal('skipped');
    const loaded = await records.load(push);
    expect(loaded?.closed).to.deep.equal({
      state: 'skipped',
      text: 'Branch staging is not built: the build branch is master.',
      at: 0,
    });
    expect(await records.newestHead(push.owner, push.repo, push.branch)).to.equal(undefined);
    expect(messages.of('plan')).to.deep.equal([]);
    expect(messages.of('status')).to.deep.equal([refOf(push)]);
    // Until the commit says it, each repetition has it told again.
    await beginDeployment(deps, push);
    expect(messages.of('status')).to.have.length(2);
    if (loaded !== undefined) await tell(records, loaded, 'status');
    expect(await records.open()).to.deep.equal([]);
    await beginDeployment(deps, push);
    expect(messages.of('status')).to.have.length(2);
  });

  it('does not build what the commit message forbids', async () => {
    const { deps, records, messages } = setUp();
    const push = testPush({ skip: 'The commit message says [skip ci]: it is not built.' });
    await beginDeployment(deps, push);
    expect((await records.load(push))?.closed?.text).to.equal(push.skip);
    expect(messages.of('plan')).to.deep.equal([]);
  });

  it('has older deployments of the same branch, and only those, look at the records', async () => {
    const { deps, messages } = setUp({ buildBranches: ['*'] });
    const older = testPush({ receivedAt: 1000 });
    await beginDeployment(deps, older);
    await beginDeployment(deps, testPush({ receivedAt: 1001, branch: 'other' }));
    await beginDeployment(deps, testPush({ receivedAt: 1002, repo: 'other' }));
    messages.sent.length = 0;
    const newer = testPush({ receivedAt: 2000, sha: 'b'.repeat(40) });
    await beginDeployment(deps, newer);
    expect(messages.of('advance')).to.deep.equal([refOf(older)]);
    expect(messages.of('plan')).to.deep.equal([refOf(newer)]);
  });

  it('does not have a repo read for a push that came too late', async () => {
    const { deps, messages } = setUp();
    const newer = testPush({ receivedAt: 2000, sha: 'b'.repeat(40) });
    await beginDeployment(deps, newer);
    messages.sent.length = 0;
    const older = testPush({ receivedAt: 1000 });
    await beginDeployment(deps, older);
    expect(messages.of('plan')).to.deep.equal([]);
    expect(messages.of('advance')).to.deep.include(refOf(older));
  });

  it('has an attempt after a failed one read the repo, though both came at the same time', async () => {
    const { deps, records, messages } = setUp();
    const ids = ['018f3k2a0-aaaaaaa-01ffffff', '018f3k2a0-aaaaaaa-02000000'];
    for (const id of ids) {
      const push = testPush({ id });
      await beginDeployment(deps, push);
      await records.close(push, { state: 'failed', text: 'no', at: 1 });
      await records.settle(push);
    }
    const planned = messages
      .of('plan')
      .map((ref) => v.parse(deploymentRefSchema, ref).id as string);
    expect(planned).to.deep.equal(ids);
  });

  it('leaves a deployment that is over alone', async () => {
    const { deps, records, messages } = setUp();
    const push = testPush();
    await beginDeployment(deps, push);
    await records.close(push, { state: 'live', text: 'done', at: 1 });
    await records.settle(push);
    messages.sent.length = 0;
    expect(await beginDeployment(deps, push)).to.equal('known');
    expect(messages.sent).to.deep.equal([]);
  });

  describe('interrupted at any point and sent again', () => {
    for (const skipped of [false, true]) {
      it(`comes to the same end (${skipped ? 'skipped' : 'built'})`, async () => {
        const push = testPush(skipped ? { branch: 'staging' } : {});
        const whole = await run(push, Number.POSITIVE_INFINITY);
        for (let failAt = 1; failAt <= whole.calls; failAt += 1) {
          const interrupted = await run(push, failAt);
          expect(interrupted.keys, `call ${failAt} failed`).to.deep.equal(whole.keys);
          expect(interrupted.kinds, `call ${failAt} failed`).to.deep.equal(whole.kinds);
        }
        expect(whole.calls).to.be.greaterThan(skipped ? 4 : 8);
      });
    }

    /** Runs until it works, with the `failAt`th call of the store or the queue failing. */
    async function run(push: PushMessage, failAt: number) {
      let calls = 0;
      const failing = <T extends object>(parts: T): T =>
        new Proxy(parts, {
          get: (target, name, receiver) => {
            const value: unknown = Reflect.get(target, name, receiver);
            if (typeof value !== 'function' || name === 'audit') return value;
            return async (...args: unknown[]) => {
              calls += 1;
              if (calls === failAt) throw new Error('interrupted');
              return value.apply(target, args);
            };
          },
        });
      const store = createMemoryObjectStore();
      const messages = createRecordingMessages();
      let time = 0;
      const records = createRecords(failing<ObjectStore>(store), () => time);
      const deps = { records, messages: failing<Messages>(messages), buildBranches: [], claim };
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        try {
          await beginDeployment({ ...deps, now: () => 0 }, push);
          break;
        } catch (error) {
          if (!(error instanceof Error) || error.message !== 'interrupted') throw error;
        }
        time += claim.leaseMs + 1; // a claim whose release was interrupted runs out
      }
      // How often something was claimed differs, not that it was.
      const keys = new Set([...store.objects.keys()].map((key) => key.replace(/\/\d{3}$/, '')));
      const kinds = new Set(messages.sent.map(([kind]) => kind).filter((kind) => kind !== 'audit'));
      return { calls, keys: [...keys].sort(), kinds: [...kinds].sort() };
    }
  });
});
