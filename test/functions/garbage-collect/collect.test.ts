import { expect } from 'chai';
import type { FunctionStatus } from '#shared/gateway/function-status.ts';
import { parseOwner } from '#shared/names.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import { deploymentLabels } from '#shared/pipeline/labels.ts';
import type { GarbageMessage } from '#shared/pipeline/messages.ts';
import { createRecords, type Records } from '#shared/pipeline/records.ts';
import { collect, prune } from '../../../functions/garbage-collect/collect.ts';
import { mayStart, sweep } from '../../../functions/garbage-collect/sweep.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { createMemoryGateway } from '../../helpers/memory-gateway.ts';
import {
  createMemoryObjectStore,
  type MemoryObjectStore,
} from '../../helpers/memory-object-store.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';
import { createRecordingMessages } from '../../helpers/recording-messages.ts';

const at = 1_700_000_000_000;
const deploymentOf = (changes: Parameters<typeof testPush>[0] = {}): Deployment => {
  const { defaultBranch: _, ...deployment } = testPush(changes);
  return deployment;
};
const current = deploymentOf({ receivedAt: at + 10 });
const running = (
  name: string,
  changes: Parameters<typeof testPush>[0] = {},
): Partial<FunctionStatus> => ({
  name,
  labels: deploymentLabels(deploymentOf({ receivedAt: at, ...changes }), 1),
});
const message = (changes: Partial<GarbageMessage> = {}): GarbageMessage => ({
  owner: current.owner,
  repo: current.repo,
  functions: ['kept'],
  of: { branch: current.branch, id: current.id },
  ...changes,
});

describe('collecting garbage', () => {
  let heads: Records;
  beforeEach(async () => {
    heads = createRecords(createMemoryObjectStore());
    await heads.addHead(deploymentOf({ receivedAt: at + 20, sha: 'b'.repeat(40) }));
  });

  it('removes what a deployment no longer declares', async () => {
    const gateway = createMemoryGateway(running('alice-kept'), running('alice-old'));
    expect(await collect(gateway, heads, message())).to.deep.equal(['alice-old']);
    expect([...gateway.functions.keys()]).to.deep.equal(['alice-kept']);
  });

  it('removes one function only, if asked to, and only of that owner and SCM', async () => {
    const gateway = createMemoryGateway(
      running('alice-one', { repo: 'other' }),
      running('alice-two'),
      running('bob-one', { owner: 'bob' }),
    );
    const { owner } = current;
    const one = { owner, repo: '*' as const, functions: [], only: ['one'] };
    const gitlab = { scm: 'gitlab' as const };
    expect(await collect(gateway, heads, { ...one, from: gitlab })).to.deep.equal([]);
    expect(await collect(gateway, heads, one)).to.deep.equal(['alice-one']);
    expect([...gateway.functions.keys()]).to.deep.equal(['alice-two', 'bob-one']);
  });

  for (const [what, status] of [
    ['a function of the platform', { name: 'alice-old', labels: { role: 'openfaas-system' } }],
    ['a function without labels', { name: 'alice-old', labels: null }],
    ['another owner’s', running('bob-old', { owner: 'bob' })],
    ['another owner’s of a similar name', running('alice--b-old', { owner: 'alice-b' })],
    ['another repo’s', running('alice-old', { repo: 'other' })],
    ['another branch’s', running('alice-old', { branch: 'dev' })],
    ['that of a newer deployment', running('alice-old', { receivedAt: at + 20 })],
  ] as const) {
    it(`leaves ${what}`, async () => {
      const gateway = createMemoryGateway(status);
      expect(await collect(gateway, heads, message())).to.deep.equal([]);
      expect(gateway.calls).to.deep.equal([]);
    });
  }

  it('removes that of an older push whose webhook came later, if this is the newest', async () => {
    heads = createRecords(createMemoryObjectStore());
    await heads.addHead(current);
    const gateway = createMemoryGateway(running('alice-old', { receivedAt: at + 20 }));
    expect(await collect(gateway, heads, message())).to.deep.equal(['alice-old']);
  });

  it('removes all branches of a repo that was taken away, and no other repo', async () => {
    const functions = [
      running('alice-a'),
      running('alice-b', { branch: 'dev', receivedAt: at + 99 }),
      running('alice-c', { repo: 'other' }),
    ];
    const gateway = createMemoryGateway(...functions);
    const gone = { owner: current.owner, repo: current.repo, functions: [] };
    expect(await collect(gateway, heads, gone)).to.deep.equal(['alice-a', 'alice-b']);
  });

  it('removes everything of an owner that left, and of nobody else', async () => {
    const functions = [
      running('alice-a'),
      running('alice-c', { repo: 'other' }),
      running('bob-a', { owner: 'bob' }),
      { name: 'of-router', labels: { role: 'openfaas-system' } },
    ];
    const gateway = createMemoryGateway(...functions);
    const gone: GarbageMessage = { owner: current.owner, repo: '*', functions: [] };
    expect(await collect(gateway, heads, gone)).to.deep.equal(['alice-a', 'alice-c']);
    expect([...gateway.functions.keys()]).to.deep.equal(['bob-a', 'of-router']);
  });

  it('cannot reach an owner whose label is the digest of another’s name', async () => {
    const group = deploymentOf({ owner: 'group/sub' });
    const labels = deploymentLabels(group, 1);
    const gateway = createMemoryGateway({ name: 'group----ssub-fn', labels });
    const squatter = parseOwner(labels['com.openfaas.cloud.git-owner']);
    expect(
      await collect(gateway, heads, { owner: squatter, repo: '*', functions: [] }),
    ).to.deep.equal([]);
  });

  it('leaves what a newer push deployed again since the list was made', async () => {
    const gateway = createMemoryGateway(running('alice-old'), running('alice-gone'));
    const get = gateway.get;
    gateway.get = async (name) => {
      if (name === 'alice-gone') return undefined;
      const newer = running('alice-old', { receivedAt: at + 20 });
      gateway.functions.set('alice-old', newer as FunctionStatus);
      return get(name);
    };
    expect(await collect(gateway, heads, message())).to.deep.equal([]);
    expect(gateway.calls).to.deep.equal([]);
  });
});

describe('pruning', () => {
  const closed = { state: 'live', text: 'x', at: 1 } as const;

  it('keeps the newest, and every one that is not over or not told', async () => {
    const records = createRecords(createMemoryObjectStore());
    const all = Array.from({ length: 6 }, (_, index) => deploymentOf({ receivedAt: at + index }));
    for (const [index, it] of all.entries()) {
      await records.begin(it);
      if (index !== 1) await records.close(it, closed);
      if (index !== 2 && index !== 1) await records.settle(it);
    }
    const { owner, repo } = current;
    expect(await prune(records, owner, repo, 2)).to.equal(2);
    const left = (await records.deploymentsOf(owner, repo)).map(({ id }) =>
      all.findIndex((it) => it.id === id),
    );
    expect(left).to.deep.equal([1, 2, 4, 5]);
    expect(await prune(records, owner, repo, 2)).to.equal(0);
  });

  it('has failed and skipped pushes take no roll-back away', async () => {
    const records = createRecords(createMemoryObjectStore());
    const states = ['live', 'live', 'failed', 'skipped', 'skipped', 'skipped'] as const;
    const all = states.map((_, index) => deploymentOf({ receivedAt: at + index }));
    for (const [index, it] of all.entries()) {
      await records.begin(it);
      await records.close(it, { ...closed, state: states[index] ?? 'live' });
      await records.settle(it);
    }
    const { owner, repo } = current;
    expect(await prune(records, owner, repo, 2)).to.equal(2);
    const left = (await records.deploymentsOf(owner, repo)).map(({ id }) =>
      all.findIndex((it) => it.id === id),
    );
    expect(left).to.deep.equal([0, 1, 4, 5]);
  });

  it('takes nothing of another repo', async () => {
    const records = createRecords(createMemoryObjectStore());
    const other = deploymentOf({ repo: 'other' });
    await records.begin(other);
    await records.close(other, closed);
    await records.settle(other);
    expect(await prune(records, current.owner, current.repo, 1)).to.equal(0);
    expect(await records.load(other)).to.not.equal(undefined);
  });
});

describe('a sweep', () => {
  let store: MemoryObjectStore;
  let records: Records;
  const messages = createRecordingMessages();
  const maxAgeMs = 3_600_000;
  const run = (now: number) => sweep({ records, messages, maxAgeMs }, now);

  beforeEach(() => {
    store = createMemoryObjectStore();
    records = createRecords(store);
    messages.sent.length = 0;
    messages.fail = undefined;
  });

  it('nudges what is open, and nothing else', async () => {
    const over = deploymentOf({ receivedAt: at + 1 });
    for (const it of [current, over]) await records.begin(it);
    await records.close(over, { state: 'live', text: 'x', at: 1 });
    await records.settle(over);
    expect(await run(at + 1000)).to.deep.equal({
      open: 1,
      closed: 0,
      received: [current.receivedAt],
    });
    expect(messages.sent).to.deep.equal([
      ['advance', { owner: 'alice', repo: 'hello', id: current.id }],
    ]);
  });

  it('closes what is stuck with a reason, once, and has it told', async () => {
    await records.begin(current);
    expect(await run(current.receivedAt + maxAgeMs)).to.include({ closed: 0 });
    expect(await run(current.receivedAt + maxAgeMs + 1)).to.include({ closed: 1 });
    expect(await run(current.receivedAt + maxAgeMs + 60_001)).to.include({ closed: 0, open: 1 });
    const found = await records.load(current);
    expect(found?.closed?.state).to.equal('failed');
    expect(found?.closed?.text).to.equal(
      'Nothing came to an end in 60 minutes. Push again or redeliver the webhook.',
    );
    expect(messages.of('advance')).to.have.lengthOf(3);
  });

  it('takes what was forgotten off the list', async () => {
    await records.begin(current);
    await store.delete(
      [...store.objects.keys()].find((key) => key.endsWith('deployment.json')) ?? '',
    );
    await run(at);
    expect(await records.open()).to.deep.equal([]);
    expect(messages.sent).to.deep.equal([]);
  });

  it('is not stopped by one deployment whose records cannot be read', async () => {
    const second = deploymentOf({ receivedAt: at + 99 });
    for (const it of [current, second]) await records.begin(it);
    const [first] = [...store.objects.keys()]
      .filter((key) => key.endsWith('deployment.json'))
      .sort();
    await store.put(first ?? '', 'no json');
    // As a process that did not write the records itself.
    const sweeping = { records: createRecords(store), messages, maxAgeMs };
    await expectCode(sweep(sweeping, at + 1000), 'OFC_INTERNAL');
    expect(messages.of('advance')).to.deep.equal([
      { owner: 'alice', repo: 'hello', id: second.id },
    ]);
  });

  it('gives up telling a verdict after the time that a deployment may take', async () => {
    await records.begin(current);
    await records.close(current, { state: 'failed', text: 'x', at });
    await run(at + maxAgeMs);
    expect(messages.of('advance')).to.have.length(1);
    await run(at + maxAgeMs + 1);
    expect(messages.of('advance')).to.have.length(1);
    expect(await records.open()).to.deep.equal([]);
  });

  it('may start once a minute, whoever asks', async () => {
    const minute = 60_000 * 1000;
    const asked = await Promise.all([1, 2, 3, 4].map(() => mayStart(store, minute)));
    expect(asked.filter(Boolean)).to.have.lengthOf(1);
    expect(await mayStart(store, minute + 59_999)).to.equal(false);
    expect(await mayStart(store, minute + 60_000)).to.equal(true);
    expect(await mayStart(store, minute + 120_000)).to.equal(true);
    expect(store.objects.size).to.be.lessThan(3);
  });
});
