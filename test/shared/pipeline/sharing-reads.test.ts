import { expect } from 'chai';
import { createRecords, type Records } from '#shared/pipeline/records.ts';
import { sharingReads } from '#shared/pipeline/sharing-reads.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';

describe('shared reads of records', () => {
  const { defaultBranch: _, ...deployment } = testPush();
  let lists: number;
  let records: Records;

  beforeEach(async () => {
    lists = 0;
    const store = createMemoryObjectStore();
    records = sharingReads(
      createRecords({
        ...store,
        list: (prefix, options) => {
          lists += 1;
          return store.list(prefix, options);
        },
      }),
    );
    await records.begin(deployment);
    await records.addHead(deployment);
  });

  it('ten who look at the same time make two reads, not ten', async () => {
    const found = await Promise.all(Array.from({ length: 10 }, () => records.load(deployment)));
    expect(found.map((each) => each?.deployment.id)).to.deep.equal(Array(10).fill(deployment.id));
    expect(lists).to.equal(2);
    const { owner, repo, branch } = deployment;
    const heads = await Promise.all(
      Array.from({ length: 10 }, () => records.newestHead(owner, repo, branch)),
    );
    expect(heads.map((head) => head?.id)).to.deep.equal(Array(10).fill(deployment.id));
    expect(lists).to.equal(4);
  });

  it('each sees what was written before it asked', async () => {
    const first = records.load(deployment);
    await records.close(deployment, { state: 'live', text: 'x', at: 1 });
    expect((await records.load(deployment))?.closed?.state).to.equal('live');
    expect((await first)?.deployment.id).to.equal(deployment.id);
  });

  it('keeps deployments and branches apart', async () => {
    const none = { ...deployment, id: `${deployment.id.slice(0, -1)}f` as typeof deployment.id };
    const [one, other] = await Promise.all([records.load(deployment), records.load(none)]);
    expect(one?.deployment.id).to.equal(deployment.id);
    expect(other).to.equal(undefined);
  });
});
