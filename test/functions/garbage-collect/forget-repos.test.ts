import { expect } from 'chai';
import { logKey, repoLogsPrefix } from '#shared/build-log/log-keys.ts';
import { parseFunctionKey, parseOwner } from '#shared/names.ts';
import { type Deployment, refOf } from '#shared/pipeline/deployment.ts';
import type { GarbageMessage } from '#shared/pipeline/messages.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import { cancelOpen, forgetRepos } from '../../../functions/garbage-collect/forget-repos.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';
import { createRecordingMessages } from '../../helpers/recording-messages.ts';

type Changes = Parameters<typeof testPush>[0];

describe('a repo or an owner that has gone', () => {
  const key = parseFunctionKey('fn');
  const alice = parseOwner('alice');
  let time: number;
  let deps: ReturnType<typeof stage>;
  beforeEach(() => {
    time = 1_700_000_000_000;
    deps = stage();
  });

  function stage() {
    const store = createMemoryObjectStore();
    return { store, records: createRecords(store), messages: createRecordingMessages() };
  }
  /** A push whose function was built; over and told unless it is `open`. */
  const push = async (changes: Changes = {}, open = false): Promise<Deployment> => {
    time += 1000;
    const { defaultBranch: _, ...deployment } = testPush({ receivedAt: time, ...changes });
    await deps.records.begin(deployment);
    await deps.records.addHead(deployment);
    await deps.store.put(logKey({ ...deployment, function: key }), 'log');
    if (!open) {
      await deps.records.close(deployment, { state: 'live', text: 'Live.', at: time });
      await deps.records.settle(deployment);
    }
    return deployment;
  };
  const message = (changes: Partial<GarbageMessage> = {}): GarbageMessage => ({
    ...{ owner: alice, repo: testPush().repo, functions: [] },
    ...changes,
  });
  const known = async (it: Deployment) => (await deps.records.load(it)) !== undefined;
  const logs = ({ owner, repo }: Deployment) => deps.store.list(repoLogsPrefix(owner, repo));

  it('leaves no record, head or log', async () => {
    await push({ sha: 'b'.repeat(40) });
    await push({ branch: 'dev' });
    expect(await forgetRepos(deps, message())).to.equal(2);
    expect([...deps.store.objects.keys()]).to.deep.equal([]);
  });

  it('takes nothing of another repo or owner', async () => {
    const kept = [await push({ repo: 'hello-2', repoId: 23 }), await push({ owner: 'alice-b' })];
    await push();
    expect(await forgetRepos(deps, message())).to.equal(1);
    for (const it of kept) {
      expect(await known(it)).to.equal(true);
      expect(await logs(it)).to.have.length(1);
    }
  });

  it('takes all repos of an owner, whatever they are called', async () => {
    const other = await push({ owner: 'bob' });
    await push();
    await push({ repo: '.dots', repoId: 23 });
    expect(await forgetRepos(deps, message({ repo: '*' }))).to.equal(2);
    expect(await known(other)).to.equal(true);
    expect((await deps.store.list('logs/')).length).to.equal(1);
  });

  it('is not another repo that has its name now, nor one of another SCM', async () => {
    const now = await push({ repoId: 99 });
    const before = await push({ repoId: 22, sha: 'b'.repeat(40) });
    const from = { scm: 'github', repoId: 22 } as const;
    expect(await forgetRepos(deps, message({ from }))).to.equal(1);
    expect([await known(now), await known(before)]).to.deep.equal([true, false]);
    // Logs are kept by commit: those of both stay until they are old.
    expect(await logs(now)).to.have.length(2);
    expect(await forgetRepos(deps, message({ from: { scm: 'gitlab' } }))).to.equal(0);
  });

  it('has what is at work cancelled and told; it is forgotten when that is done', async () => {
    const open = await push({}, true);
    const elsewhere = await push({ repo: 'hello-2', repoId: 23 }, true);
    await cancelOpen(deps, message(), time);
    await cancelOpen(deps, message(), time + 1);
    const closed = (await deps.records.load(open))?.closed;
    expect(closed).to.deep.include({ state: 'cancelled', at: time });
    expect(closed?.text).to.contain('taken away');
    expect(deps.messages.of('advance')).to.deep.equal([refOf(open)]);
    expect((await deps.records.load(elsewhere))?.closed).to.equal(undefined);

    expect(await forgetRepos(deps, message())).to.equal(0);
    await deps.records.settle(open);
    expect(await forgetRepos(deps, message())).to.equal(1);
  });
});
