import { expect } from 'chai';
import { parseOwner, parseRepoName } from '#shared/names.ts';
import { newestDeployments } from '#shared/pipeline/deployment-list.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';

describe('the list of an owner’s deployments', () => {
  const alice = parseOwner('alice');
  const start = 1_700_000_000_000;

  it('gives the newest first, and the older ones page by page, without looking at the rest', async () => {
    const store = createMemoryObjectStore();
    const records = createRecords(store);
    const minutes = Array.from({ length: 30 }, (_, index) => index * 97);
    const ids: string[] = [];
    for (const minute of minutes) {
      const repo = ['web', 'a.b', 'z_-'][minute % 3] ?? '';
      const push = testPush({ repo: parseRepoName(repo), receivedAt: start + minute * 60_000 });
      await records.begin(push);
      ids.unshift(push.id);
    }
    const asked: string[] = [];
    const watched = {
      folders: store.folders,
      list: async (prefix: string, options?: { limit?: number; after?: string }) => {
        const keys = await store.list(prefix, options);
        asked.push(...keys);
        return keys;
      },
    };
    const found: string[] = [];
    for (let before: string | undefined; found.length < 30; before = found.at(-1)) {
      const query = { limit: 7, ...(before === undefined ? {} : { before }) };
      const page = await newestDeployments(watched, alice, query);
      found.push(...page.map(({ id }) => id));
    }
    expect(found).to.deep.equal(ids);
    expect(asked).to.have.length(30);
    const [newest] = await newestDeployments(store, alice, { limit: 1 });
    expect(await records.load(newest ?? testPush())).to.have.property('deployment');
    const last = { limit: 5, before: ids.at(-1) ?? '' };
    expect(await newestDeployments(store, alice, last)).to.deep.equal([]);
  });

  it('holds nobody else’s, and none that was forgotten', async () => {
    const store = createMemoryObjectStore();
    const records = createRecords(store);
    const push = testPush({ receivedAt: start });
    await records.begin(push);
    await records.begin(testPush({ owner: parseOwner('alice-x'), receivedAt: start }));
    const ids = async () => (await newestDeployments(store, alice, { limit: 9 })).map((p) => p.id);
    expect(await ids()).to.deep.equal([push.id]);
    await records.close(push, { state: 'live', text: 'Live.', at: start });
    await records.forget(push);
    expect(await ids()).to.deep.equal([]);
  });
});
