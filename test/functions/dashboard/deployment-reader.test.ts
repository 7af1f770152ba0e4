import { expect } from 'chai';
import { createRecords } from '#shared/pipeline/records.ts';
import { createDeploymentReader } from '../../../functions/dashboard/deployment-reader.ts';
import { createRowReader } from '../../../functions/dashboard/deployment-rows.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';

describe('what the dashboard keeps of deployments', () => {
  it('is read once, however many functions ask', async () => {
    const store = createMemoryObjectStore();
    const push = testPush({ pusher: 'carol' });
    await createRecords(store).begin(push);
    let reads = 0;
    const read = createDeploymentReader({
      async get(key) {
        reads += 1;
        return store.get(key);
      },
    });
    const of = { owner: push.owner, repo: push.repo, deployment: push.id };
    const found = await Promise.all(Array.from({ length: 500 }, () => read(of)));
    expect(found.map((each) => each?.pusher)).to.deep.equal(Array(500).fill('carol'));
    expect(reads).to.equal(1);
    const gone = { ...of, deployment: testPush({ receivedAt: 1 }).id };
    expect(await read(gone)).to.equal(undefined);
  });

  it('is asked for again until the deployment is closed', async () => {
    const records = createRecords(createMemoryObjectStore());
    const push = testPush();
    let loads = 0;
    const read = createRowReader({
      async load(ref) {
        loads += 1;
        return records.load(ref);
      },
    });
    expect(await read(push)).to.equal(undefined);
    await records.begin(push);
    expect((await read(push))?.row.state).to.equal('received');
    await records.close(push, { state: 'live', text: 'Live.', at: 1 });
    for (let time = 0; time < 3; time += 1) expect((await read(push))?.row.state).to.equal('live');
    expect(loads).to.equal(3);
  });
});
