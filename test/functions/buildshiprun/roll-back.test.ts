import { expect } from 'chai';
import { parseFunctionKey } from '#shared/names.ts';
import { beginDeployment } from '#shared/pipeline/begin-deployment.ts';
import { type Deployment, refOf } from '#shared/pipeline/deployment.ts';
import {
  type Acting,
  cancel,
  redeploy,
  removeRepo,
  rollBack,
} from '#shared/pipeline/deployment-actions.ts';
import type { PushMessage } from '#shared/pipeline/messages.ts';
import { createRecords, isNewestHead, type Records } from '#shared/pipeline/records.ts';
import { formatTimeLine, timeLine } from '#shared/pipeline/time-line.ts';
import { advance } from '../../../functions/buildshiprun/advance.ts';
import { prune } from '../../../functions/garbage-collect/collect.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { testFunction, testPush } from '../../helpers/pipeline-fixtures.ts';
import {
  createRecordingMessages,
  type RecordingMessages,
} from '../../helpers/recording-messages.ts';

const web = parseFunctionKey('web');
const alice = { subject: 'github:1', login: 'alice' };
const shas = ['a', 'b', 'c'].map((digit) => digit.repeat(40));

describe('going back to an earlier deployment', () => {
  let records: Records;
  let messages: RecordingMessages;
  let acting: Acting;
  let deployed: string[];
  let time: number;

  beforeEach(() => {
    time = 1_700_000_000_000;
    records = createRecords(createMemoryObjectStore(), () => time);
    messages = createRecordingMessages();
    deployed = [];
    acting = { records, messages, claim: { leaseMs: 60_000, maxAttempts: 3 }, now: () => time };
  });

  const go = (ref: Parameters<typeof refOf>[0]) =>
    advance(
      {
        records,
        messages,
        deploy: async ({ deployment }, fn, image) => {
          deployed.push(`${deployment.id} ${fn.key} ${image}`);
          return `http://gw/${fn.key}`;
        },
        isLive: async () => false,
        maxParallelBuilds: 2,
        leaseMs: 1000,
        maxAttempts: 2,
      },
      refOf(ref),
    );
  const begin = async (index: number): Promise<PushMessage> => {
    time += 1000;
    const before = shas[index - 1] ?? '0'.repeat(40);
    const push = testPush({ receivedAt: time, sha: shas[index] ?? '', before });
    await beginDeployment({ ...acting, buildBranches: [] }, push);
    return push;
  };
  const live = async (index: number): Promise<PushMessage> => {
    const push = await begin(index);
    const image = `i:${index}@sha256:${index}`;
    const functions = [testFunction('web')];
    await records.recordPlan(push, { outcome: 'planned', functions, warnings: [], at: time });
    await records.recordBuild(push, web, {
      outcome: 'built',
      image,
      cached: false,
      seconds: 9,
      at: time,
    });
    await go(push);
    return push;
  };
  const loaded = async (of: Parameters<typeof refOf>[0]) => {
    const found = await records.load(of);
    if (found === undefined) throw new Error('no deployment');
    return found;
  };
  const state = async (of: Parameters<typeof refOf>[0]) => (await loaded(of)).closed?.state;

  it('rolls its images out again, without git-tar and of-builder', async () => {
    const first = await live(0);
    await live(1);
    messages.sent.length = 0;
    time += 1000;
    const again = await rollBack(acting, await loaded(first), alice);
    expect(messages.of('plan')).to.deep.equal([]);
    expect(messages.of('advance')).to.deep.include(refOf(again));
    const done = await go(again);
    expect(done.closed?.state).to.equal('live');
    expect(deployed.at(-1)).to.equal(`${again.id} web i:0@sha256:0`);
    expect(messages.of('build')).to.deep.equal([]);
    expect(done.deployment).to.deep.include({
      sha: first.sha,
      pusher: 'alice',
      origin: { kind: 'roll-back', of: first.id, by: 'github:1' },
    });
    expect(formatTimeLine(timeLine(done))).to.include('roll-back to aaaaaaa asked for');
    expect(messages.of('audit')[0]).to.deep.equal({
      source: 'dashboard',
      message: 'alice rolled back to aaaaaaa',
      owner: 'alice',
      repo: 'hello',
      deployment: again.id,
      actor: 'github:1',
    });
  });

  it('stands against what was pushed before, and not against a later push', async () => {
    const first = await live(0);
    const second = await live(1);
    time += 1000;
    const again = await rollBack(acting, await loaded(first), alice);
    await go(again);
    expect(await isNewestHead(records, again)).to.equal(true);
    // A redelivery of the newer commit changes nothing.
    await beginDeployment({ ...acting, buildBranches: [] }, second);
    expect(await isNewestHead(records, again)).to.equal(true);
    const third = await live(2);
    expect(await isNewestHead(records, third)).to.equal(true);
    expect(deployed.at(-1)).to.equal(`${third.id} web i:2@sha256:2`);
  });

  it('goes forward again, and back to what it went back to', async () => {
    const [first, second] = [await live(0), await live(1)];
    for (const source of [first, second, first]) {
      time += 1000;
      const again = await rollBack(acting, await loaded(source), alice);
      await go(again);
      expect(await isNewestHead(records, again)).to.equal(true);
      expect(deployed.at(-1)).to.include(source === first ? 'i:0' : 'i:1');
      // The roll-back itself is one that can be gone back to.
      expect(await state(again)).to.equal('live');
    }
  });

  it('needs the records that it copies no longer, once it has them', async () => {
    const first = await live(0);
    await live(1);
    time += 1000;
    const again = await rollBack(acting, await loaded(first), alice);
    await go(again);
    for (const ref of await records.open()) await records.settle(ref);
    await prune(records, again.owner, again.repo, 1);
    expect(await records.load(first)).to.equal(undefined);
    expect((await loaded(again)).builds.get(web)).to.include({ image: 'i:0@sha256:0' });
    expect(await isNewestHead(records, again)).to.equal(true);
  });

  it('fails and says so if those records are gone before', async () => {
    const first = await live(0);
    await live(1);
    time += 1000;
    const again = await rollBack(acting, await loaded(first), alice);
    for (const ref of await records.open()) if (ref.id === first.id) await records.settle(ref);
    await records.forget(first);
    const done = await go(again);
    expect(done.closed?.state).to.equal('failed');
    expect(done.closed?.text).to.match(/records of deployment .* are gone.*OFC_NOT_FOUND/s);
  });

  it('supersedes a push that still goes on', async () => {
    const first = await live(0);
    const second = await begin(1);
    time += 1000;
    const again = await rollBack(acting, await loaded(first), alice);
    expect(messages.of('advance')).to.deep.include(refOf(second));
    await go(second);
    await go(again);
    expect(await state(second)).to.equal('superseded');
    expect(await state(again)).to.equal('live');
  });

  it('is refused to what never was live', async () => {
    const push = await begin(0);
    await expectCode(rollBack(acting, await loaded(push), alice), 'OFC_BAD_REQUEST');
    await cancel(acting, await loaded(push), alice);
    await expectCode(rollBack(acting, await loaded(push), alice), 'OFC_BAD_REQUEST');
  });

  it('redeploys a commit as if it were pushed again', async () => {
    const first = await live(0);
    time += 1000;
    const again = await redeploy(acting, await loaded(first), alice);
    expect(messages.of('plan')).to.deep.include(refOf(again));
    expect((await loaded(again)).plan).to.equal(undefined);
    await expectCode(redeploy(acting, await loaded(again), alice), 'OFC_BAD_REQUEST');
  });

  it('does not redeploy what is not built', async () => {
    const push = testPush({ branch: 'dev' });
    await beginDeployment({ ...acting, buildBranches: ['master'] }, push);
    await expectCode(redeploy(acting, await loaded(push), alice), 'OFC_BAD_REQUEST');
  });

  it('cancels what goes on, once', async () => {
    const push = await begin(0);
    await cancel(acting, await loaded(push), alice);
    const { closed } = await go(push);
    expect(closed).to.include({ state: 'cancelled', text: 'Cancelled by alice.' });
    await expectCode(cancel(acting, await loaded(push), alice), 'OFC_BAD_REQUEST');
    expect(deployed).to.deep.equal([]);
  });

  it('has garbage-collect remove a repo', async () => {
    const { defaultBranch: _, ...deployment } = await live(0);
    await removeRepo(acting, deployment satisfies Deployment, alice);
    expect(messages.of('collectGarbage').at(-1)).to.deep.equal({
      owner: 'alice',
      repo: 'hello',
      functions: [],
      from: { scm: 'github', repoId: 22 },
    });
  });
});
