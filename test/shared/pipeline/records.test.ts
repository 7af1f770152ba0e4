import { expect } from 'chai';
import { parseFunctionKey, parseOwner, parseRepoName } from '#shared/names.ts';
import { type Deployment, refOf } from '#shared/pipeline/deployment.ts';
import { createRecords, deploymentPrefix } from '#shared/pipeline/records.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import {
  createMemoryObjectStore,
  type MemoryObjectStore,
} from '../../helpers/memory-object-store.ts';
import { testFunction, testPush } from '../../helpers/pipeline-fixtures.ts';

const deploymentOf = (changes: Parameters<typeof testPush>[0] = {}): Deployment => {
  const { defaultBranch: _, ...deployment } = testPush(changes);
  return deployment;
};
const failed = { outcome: 'failed', code: 'OFC_CLONE', text: 'no', at: 1 } as const;
const built = { outcome: 'built', image: 'x@sha256:1', cached: false, seconds: 1, at: 1 } as const;
const live = { outcome: 'live', url: 'http://x', at: 1 } as const;
const closed = { state: 'live', text: '1 function is live.', at: 2 } as const;
const limits = { leaseMs: 1000, maxAttempts: 2 };
const fn = parseFunctionKey('fn');

describe('records of deployments', () => {
  let store: MemoryObjectStore;
  let time: number;
  const records = () => createRecords(store, () => time);
  const deployment = deploymentOf();
  const ref = refOf(deployment);

  beforeEach(() => {
    store = createMemoryObjectStore();
    time = 1_700_000_000_000;
  });

  it('are written once each; whoever comes second changes nothing', async () => {
    const r = records();
    const plan = {
      outcome: 'planned',
      functions: [testFunction('fn')],
      warnings: [],
      at: 1,
    } as const;
    expect(await r.begin(deployment)).to.equal(true);
    expect(await r.begin(deploymentOf({ pusher: 'mallory' }))).to.equal(false);
    expect(
      await r.recordPlan(ref, { ...plan, functions: [...plan.functions], warnings: [] }),
    ).to.equal(true);
    expect(await r.recordPlan(ref, failed)).to.equal(false);
    expect(await r.recordBuild(ref, fn, built)).to.equal(true);
    expect(await r.recordBuild(ref, fn, failed)).to.equal(false);
    expect(await r.recordDeploy(ref, fn, live)).to.equal(true);
    expect(await r.recordDeploy(ref, fn, failed)).to.equal(false);
    expect(await r.isClosed(ref)).to.equal(false);
    expect(await r.close(ref, closed)).to.equal(true);
    expect(await r.close(ref, { ...closed, state: 'failed' })).to.equal(false);
    expect(await r.isClosed(ref)).to.equal(true);
    const found = await r.load(ref);
    expect(found?.deployment).to.deep.equal(deployment);
    expect(found?.plan?.outcome).to.equal('planned');
    expect(found?.builds.get(fn)).to.deep.equal(built);
    expect(found?.deploys.get(fn)).to.deep.equal(live);
    expect(found?.closed).to.deep.equal(closed);
  });

  it('are undefined where there are none', async () => {
    expect(await records().load(ref)).to.equal(undefined);
    await records().recordPlan(ref, failed);
    expect(await records().load(ref)).to.equal(undefined);
  });

  it('of another shape are a fault of ours, not an empty record', async () => {
    await records().begin(deployment);
    await store.put(`${deploymentPrefix(ref)}plan.json`, '{"outcome":"planned"}');
    await expectCode(records().load(ref), 'OFC_INTERNAL');
  });

  it('list a deployment as open until it is settled', async () => {
    const r = records();
    await r.begin(deployment);
    expect(await r.open()).to.deep.equal([ref]);
    await r.close(ref, closed);
    expect(await r.isOpen(ref)).to.equal(true);
    await r.settle(ref);
    expect(await r.isOpen(ref)).to.equal(false);
    expect(await r.open()).to.deep.equal([]);
    await r.settle(ref);
  });

  it('list what is open with one request, and owner and repo as they are', async () => {
    const push = { ...deployment, owner: parseOwner('group/team'), repo: parseRepoName('.a_b.c') };
    await records().begin(push);
    await records().begin(deployment);
    const listing = { ...store, get: () => Promise.reject(new Error('one request is enough')) };
    expect(await createRecords(listing, () => time).open()).to.have.deep.members([
      ref,
      { ...ref, owner: 'group/team', repo: '.a_b.c' },
    ]);
  });

  it('finish a beginning that was interrupted, and reopen nothing that is over', async () => {
    const r = records();
    await r.begin(deployment);
    await store.delete([...store.objects.keys()].find((key) => key.startsWith('open/')) ?? '');
    expect(await r.begin(deployment)).to.equal(false);
    expect(await r.open()).to.deep.equal([ref]);
    await r.close(ref, closed);
    await r.settle(ref);
    await r.begin(deployment);
    expect(await r.open()).to.deep.equal([]);
  });

  describe('claims', () => {
    it('are won once, held for their lease, and over after the last attempt', async () => {
      const r = records();
      expect(await r.claim(ref, 'build/fn', limits)).to.equal('won');
      expect(await r.claim(ref, 'build/fn', limits)).to.equal('held');
      expect(await r.claim(ref, 'deploy/fn', limits)).to.equal('won');
      time += 999;
      expect(await r.claim(ref, 'build/fn', limits)).to.equal('held');
      time += 1;
      expect(await r.claim(ref, 'build/fn', limits)).to.equal('won');
      time += 1000;
      expect(await r.claim(ref, 'build/fn', limits)).to.equal('exhausted');
      expect(await r.claim(ref, 'build/fn', limits)).to.equal('exhausted');
    });

    it('can be given back', async () => {
      const r = records();
      await r.releaseClaim(ref, 'plan');
      expect(await r.claim(ref, 'plan', limits)).to.equal('won');
      await r.releaseClaim(ref, 'plan');
      expect(await r.claim(ref, 'plan', limits)).to.equal('won');
      await r.releaseClaim(ref, 'plan');
      expect(await r.claim(ref, 'plan', limits)).to.equal('exhausted');
    });

    it('are put off while somebody is busy, for longer each time, and that uses up no attempt', async () => {
      const r = records();
      expect(await r.postponeClaim(ref, 'plan', 1000)).to.equal(0);
      const pauses: number[] = [];
      for (let count = 0; count < 8; count += 1) {
        expect(await r.claim(ref, 'plan', limits)).to.equal('won');
        pauses.push(await r.postponeClaim(ref, 'plan', 1000));
        expect(await records().claim(ref, 'plan', limits)).to.equal('held');
        time += pauses.at(-1) ?? 0;
      }
      expect(pauses).to.deep.equal([1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1000));
      // What is left are the attempts that were there before.
      for (let count = 0; count < limits.maxAttempts; count += 1) {
        expect(await records().claim(ref, 'plan', limits)).to.equal('won');
        await r.releaseClaim(ref, 'plan');
      }
      expect(await r.claim(ref, 'plan', limits)).to.equal('exhausted');
    });

    it('have one winner, however many race', async () => {
      for (let round = 0; round < 20; round += 1) {
        const action = `build/f${round}` as const;
        const racers = Array.from({ length: 8 }, () => createRecords(store, () => time));
        const results = await Promise.all(racers.map((racer) => racer.claim(ref, action, limits)));
        expect(results.filter((result) => result === 'won')).to.have.lengthOf(1);
        expect(results.filter((result) => result === 'held')).to.have.lengthOf(7);
      }
    });

    it('have one winner also where all saw the last lease end', async () => {
      const r = records();
      await r.claim(ref, 'plan', limits);
      time += 1000;
      const results = await Promise.all([1, 2, 3].map(() => r.claim(ref, 'plan', limits)));
      expect(results.sort()).to.deep.equal(['held', 'held', 'won']);
    });

    it('are given back by whoever learns of the failure, also if another process made the attempt', async () => {
      const [one, two] = [records(), records()];
      expect(await one.claim(ref, 'plan', { ...limits, maxAttempts: 9 })).to.equal('won');
      await two.releaseClaim(ref, 'plan');
      expect(await two.claim(ref, 'plan', { ...limits, maxAttempts: 9 })).to.equal('won');
      await one.releaseClaim(ref, 'plan');
      expect(await one.claim(ref, 'plan', { ...limits, maxAttempts: 9 })).to.equal('won');
      expect(await two.claim(ref, 'plan', { ...limits, maxAttempts: 9 })).to.equal('held');
    });

    it('tell what somebody took on', async () => {
      const r = records();
      await r.begin(deployment);
      await r.claim(ref, 'plan', limits);
      await r.claim(ref, 'build/a-b', limits);
      expect([...((await r.load(ref))?.claimed ?? [])].sort()).to.deep.equal(['build/a-b', 'plan']);
    });
  });

  describe('heads', () => {
    const push = (sha: string, before: string, receivedAt: number, branch = 'master') =>
      deploymentOf({
        sha: sha.repeat(40),
        before: before.repeat(40),
        receivedAt: 1_700_000_000_000 + receivedAt,
        branch,
      });
    const newest = async (...pushes: Deployment[]) => {
      for (const it of pushes) await records().addHead(it);
      const { owner, repo, branch } = deployment;
      return (await records().newestHead(owner, repo, branch))?.sha[0];
    };

    it('are none at first', async () => {
      expect(await newest()).to.equal(undefined);
    });

    it('are the last push', async () => {
      expect(await newest(push('a', '0', 1), push('b', 'a', 2))).to.equal('b');
    });

    it('are the last push also if its webhook came first', async () => {
      expect(await newest(push('b', 'a', 1), push('a', '0', 2))).to.equal('b');
    });

    it('are kept for each branch by itself', async () => {
      expect(await newest(push('a', '0', 1), push('b', 'a', 2, 'dev'))).to.equal('a');
      const { owner, repo } = deployment;
      const dev = await records().newestHead(owner, repo, deploymentOf({ branch: 'dev' }).branch);
      expect(dev?.sha[0]).to.equal('b');
    });

    it('do not grow for ever: they are forgotten with their deployment', async () => {
      const r = records();
      const [first, second] = [push('a', '0', 1), push('b', 'a', 2)];
      for (const it of [first, second]) {
        await r.begin(it);
        await r.addHead(it);
        await r.close(it, closed);
      }
      await r.forget(first);
      expect((await store.list('heads/')).map((key) => key.split('/').at(-1))).to.deep.equal([
        second.id,
      ]);
    });
  });

  describe('forgetting', () => {
    it('takes away all of one deployment and nothing of another', async () => {
      const r = records();
      const other = deploymentOf({ receivedAt: 1_700_000_000_001 });
      for (const it of [deployment, other]) {
        await r.begin(it);
        await r.recordPlan(it, failed);
        await r.close(it, closed);
        await store.put(r.contextKey(it, fn), 'tar');
      }
      await r.forget(ref);
      expect(await store.list(deploymentPrefix(ref))).to.deep.equal([]);
      expect(await store.list(deploymentPrefix(other))).to.have.lengthOf(4);
    });

    it('is refused for one that is not closed', async () => {
      await records().begin(deployment);
      await expectCode(records().forget(ref), 'OFC_INTERNAL');
      expect(await records().load(ref)).to.not.equal(undefined);
    });

    for (const crashAt of [1, 2, 3, 4])
      it(`that was interrupted at the ${crashAt}. step is found and finished`, async () => {
        const r = records();
        await r.begin(deployment);
        await r.addHead(deployment);
        await r.recordPlan(ref, failed);
        await r.close(ref, closed);
        let deletes = 0;
        const failing = createRecords({
          ...store,
          delete: async (key) => {
            deletes += 1;
            if (deletes === crashAt) throw new Error('crash');
            return store.delete(key);
          },
        });
        await failing.forget(ref).catch(() => undefined);
        expect(deletes).to.equal(crashAt);
        expect(await r.deploymentsOf(deployment.owner, deployment.repo)).to.deep.equal([ref]);
        expect(await r.isClosed(ref)).to.equal(true);
        await r.forget(ref);
        expect(await r.deploymentsOf(deployment.owner, deployment.repo)).to.deep.equal([]);
        expect([...store.objects.keys()].filter((key) => !key.startsWith('open/'))).to.deep.equal(
          [],
        );
      });
  });

  it('list the deployments of one repo, oldest first, and of no other', async () => {
    const r = records();
    const times = [1_700_000_000_005, 1_700_000_000_001, 1_700_000_000_003];
    for (const receivedAt of times) await r.begin(deploymentOf({ receivedAt }));
    await r.begin(deploymentOf({ repo: 'hello2' }));
    await r.begin(deploymentOf({ owner: 'alice2' }));
    const found = await r.deploymentsOf(deployment.owner, deployment.repo);
    const expected = times.sort().map((receivedAt) => deploymentOf({ receivedAt }).id);
    expect(found.map(({ id }) => id)).to.deep.equal(expected);
  });
});
