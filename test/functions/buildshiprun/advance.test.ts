import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import { parseFunctionKey } from '#shared/names.ts';
import { type Deployment, refOf } from '#shared/pipeline/deployment.ts';
import { createRecords, type Records, type Told } from '#shared/pipeline/records.ts';
import { tell } from '#shared/pipeline/tell.ts';
import { type Advancing, advance } from '../../../functions/buildshiprun/advance.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { testFunction, testPush } from '../../helpers/pipeline-fixtures.ts';
import {
  createRecordingMessages,
  type RecordingMessages,
} from '../../helpers/recording-messages.ts';

const built = { outcome: 'built', image: 'i@sha256:1', cached: false, seconds: 1, at: 1 } as const;
const [a, b] = [parseFunctionKey('a'), parseFunctionKey('b')];

describe('advancing a deployment', () => {
  let records: Records;
  let messages: RecordingMessages;
  let deployed: string[];
  let deploy: Advancing['deploy'];
  let deployment: Deployment;
  let time: number;

  beforeEach(async () => {
    time = 1_700_000_000_000;
    records = createRecords(createMemoryObjectStore(), () => time);
    messages = createRecordingMessages();
    deployed = [];
    deploy = async (_, fn, image) => {
      deployed.push(`${fn.key} ${image}`);
      return `http://gw/${fn.key}`;
    };
    const { defaultBranch: _, ...rest } = testPush();
    deployment = rest;
    await records.begin(deployment);
    await records.addHead(deployment);
  });

  const go = (changes: Partial<Advancing> = {}) =>
    advance(
      {
        records,
        messages,
        deploy: (...args) => deploy(...args),
        isLive: async () => false,
        maxParallelBuilds: 2,
        leaseMs: 1000,
        maxAttempts: 2,
        ...changes,
      },
      refOf(deployment),
    );
  const plan = (...keys: string[]) =>
    records.recordPlan(deployment, {
      outcome: 'planned',
      functions: keys.map((key) => testFunction(key)),
      warnings: [],
      at: 1,
    });
  /** In the place of the functions that were asked. */
  const told = async (...whats: Told[]) => {
    const done = await records.load(deployment);
    if (done === undefined) throw new Error('no deployment');
    for (const what of whats) await tell(records, done, what);
  };
  const kinds = () => messages.sent.map(([kind]) => kind);

  it('asks for a plan, then waits', async () => {
    await go();
    await go();
    expect(kinds()).to.deep.equal(['plan', 'status']);
  });

  it('builds, rolls out and closes, telling each time', async () => {
    await plan('a', 'b');
    await go();
    expect(kinds()).to.deep.equal(['build', 'build', 'status']);
    await records.recordBuild(deployment, a, built);
    await go();
    expect(deployed).to.deep.equal(['a i@sha256:1']);
    await records.recordBuild(deployment, b, built);
    messages.sent.length = 0;
    expect((await go()).closed).to.include({ state: 'live', text: '2 functions are live.' });
    expect(kinds()).to.deep.equal(['status', 'status', 'status', 'collectGarbage', 'audit']);
    expect(messages.of('collectGarbage')[0]).to.deep.equal({
      owner: 'alice',
      repo: 'hello',
      functions: ['a', 'b'],
      from: { scm: 'github', repoId: deployment.repoId },
      of: { branch: 'master', id: deployment.id },
    });
    await told('status', 'garbage');
    expect(await records.open()).to.deep.equal([]);
  });

  it('does nothing more once it is settled', async () => {
    await plan('a');
    await records.recordBuild(deployment, a, built);
    await go();
    await told('status', 'garbage');
    messages.sent.length = 0;
    await go();
    expect(kinds()).to.deep.equal([]);
    expect(deployed).to.have.lengthOf(1);
  });

  it('records a roll-out that is the user’s fault, and removes nothing then', async () => {
    await plan('a');
    await records.recordBuild(deployment, a, built);
    deploy = async () => {
      throw new CloudError('OFC_NAME_TAKEN', 'Taken.', { hint: 'Rename it.' });
    };
    const { closed, deploys } = await go();
    expect(closed?.state).to.equal('failed');
    expect(deploys.get(a)).to.include({ code: 'OFC_NAME_TAKEN', text: 'Taken. Rename it.' });
    expect(kinds()).to.not.include('collectGarbage');
  });

  it('records nothing where the gateway fails, and the next call tries again', async () => {
    await plan('a');
    await records.recordBuild(deployment, a, built);
    const works = deploy;
    deploy = async () => {
      throw new CloudError('OFC_UPSTREAM', 'gone');
    };
    await expectCode(go(), 'OFC_UPSTREAM');
    deploy = works;
    expect((await go()).closed?.state).to.equal('live');
  });

  it('gives up after the last attempt, and says so', async () => {
    await plan('a');
    await records.recordBuild(deployment, a, built);
    deploy = async () => {
      throw new CloudError('OFC_UPSTREAM', 'gone');
    };
    await expectCode(go(), 'OFC_UPSTREAM');
    await expectCode(go(), 'OFC_UPSTREAM');
    const { closed, deploys } = await go();
    expect(closed?.state).to.equal('failed');
    expect(deploys.get(a)).to.include({ code: 'OFC_STUCK' });
  });

  for (const step of ['plan', 'build'] as const) {
    it(`gives up a ${step} that never comes to an end`, async () => {
      if (step === 'build') await plan('a');
      for (let attempt = 0; attempt < 2; attempt += 1) {
        expect((await go()).closed).to.equal(undefined);
        time += 1000;
      }
      expect((await go()).closed?.state).to.equal('failed');
      expect(messages.of(step)).to.have.lengthOf(2);
    });
  }

  it('gives a step back that could not be sent', async () => {
    messages.fail = new CloudError('OFC_BUSY', 'full');
    await expectCode(go(), 'OFC_BUSY');
    messages.fail = undefined;
    await go();
    expect(kinds()).to.deep.equal(['plan', 'status']);
  });

  it('waits for a roll-out that is under way even if something else fails', async () => {
    await plan('a', 'b');
    await records.recordBuild(deployment, a, built);
    let ended = false;
    deploy = async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      ended = true;
      return 'http://gw/a';
    };
    messages.fail = new CloudError('OFC_BUSY', 'full');
    await expectCode(go(), 'OFC_BUSY');
    expect(ended).to.equal(true);
    expect((await records.load(deployment))?.deploys.has(a)).to.equal(true);
  });

  it('closes what a newer push replaced, also half-way through', async () => {
    await plan('a', 'b');
    await records.recordBuild(deployment, a, built);
    const newer = testPush({ sha: 'b'.repeat(40), before: 'a'.repeat(40), receivedAt: time + 1 });
    await records.addHead(newer);
    const { closed } = await go();
    expect(closed).to.include({ state: 'superseded' });
    expect(deployed).to.deep.equal([]);
    expect(kinds()).to.not.include('collectGarbage');
  });

  it('looks again where a newer push was faster at the gateway', async () => {
    await plan('a');
    await records.recordBuild(deployment, a, built);
    deploy = async () => {
      await records.addHead(
        testPush({ sha: 'b'.repeat(40), before: 'a'.repeat(40), receivedAt: time + 1 }),
      );
      throw new CloudError('OFC_CONFLICT', 'A newer push has deployed "alice-a".');
    };
    expect((await go()).closed?.state).to.equal('superseded');
  });

  it('is not superseded by an older push if its own head was not written yet', async () => {
    const older = testPush({ sha: 'b'.repeat(40), receivedAt: 1000 });
    records = createRecords(createMemoryObjectStore(), () => time);
    await records.begin(older);
    await records.addHead(older);
    // Whoever began it was interrupted here, and the sweeper came before the next try.
    await records.begin(deployment);
    expect((await go()).closed).to.equal(undefined);
    expect(kinds()).to.deep.equal(['plan', 'status']);
    const { owner, repo, branch, id } = deployment;
    expect((await records.newestHead(owner, repo, branch))?.id).to.equal(id);
  });

  it('tells about a verdict again until everybody was told', async () => {
    await records.close(deployment, { state: 'failed', text: 'x', at: 1 });
    messages.fail = new CloudError('OFC_BUSY', 'full');
    await expectCode(go(), 'OFC_BUSY');
    expect(await records.open()).to.have.lengthOf(1);
    messages.fail = undefined;
    await go();
    expect(kinds()).to.deep.equal(['status', 'audit']);
    expect(await records.open()).to.have.lengthOf(1);
    await told('status');
    expect(await records.open()).to.deep.equal([]);
  });

  it('tells again what a queue dropped, and only that', async () => {
    await plan('a');
    await records.recordBuild(deployment, a, built);
    await go();
    await told('garbage');
    messages.sent.length = 0;
    await go();
    expect(kinds()).to.deep.equal(['status']);
    expect(await records.open()).to.have.lengthOf(1);
    await told('status');
    messages.sent.length = 0;
    await go();
    expect(kinds()).to.deep.equal([]);
    expect(await records.open()).to.deep.equal([]);
  });

  it('takes off the list what whoever was told last left there', async () => {
    await records.close(deployment, { state: 'failed', text: 'x', at: 1 });
    await records.recordTold(deployment, 'status');
    await go();
    expect(kinds()).to.deep.equal([]);
    expect(await records.open()).to.deep.equal([]);
  });

  it('says what is still live of what failed, and nothing where that is nothing or not known', async () => {
    const endWith = async (isLive: Advancing['isLive']) => {
      time += 1000;
      const { defaultBranch: _, ...next } = testPush({ receivedAt: time });
      deployment = next;
      await records.begin(deployment);
      await records.addHead(deployment);
      await plan('a', 'b');
      const failed = { outcome: 'failed', code: 'OFC_BUILD_FAILED', text: 'x', at: 1 } as const;
      for (const key of [a, b]) await records.recordBuild(deployment, key, failed);
      return (await go({ isLive })).closed?.text;
    };
    expect(await endWith(async (_, { key }) => key === b)).to.equal(
      '2 of 2 failed: a, b. Still live in the version before: b.',
    );
    expect(await endWith(async () => false)).to.equal('2 of 2 failed: a, b.');
    expect(await endWith(() => Promise.reject(new Error('no gateway')))).to.equal(
      '2 of 2 failed: a, b.',
    );
  });

  it('refuses a deployment that does not exist', async () => {
    const unknown = refOf(testPush({ receivedAt: 1 }));
    const isLive = async () => false;
    const limits = { maxParallelBuilds: 1, leaseMs: 1, maxAttempts: 1 };
    const deps = { records, messages, deploy, isLive, ...limits };
    await expectCode(advance(deps, unknown), 'OFC_NOT_FOUND');
  });
});
