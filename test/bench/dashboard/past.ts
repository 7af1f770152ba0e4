import { createBuildLogs } from '#shared/build-log/build-logs.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import { newestKey } from '#shared/pipeline/deployment-list.ts';
import { createRecords, deploymentPrefix } from '#shared/pipeline/records.ts';
import { ObjectFiles } from '../../../local/object-store/object-files.ts';
import { testFunction, testPush } from '../../helpers/pipeline-fixtures.ts';

/** How much there is to show. */
export const amounts = { functions: 500, deployments: 5000, repos: 20, logLines: 50_000 } as const;

/** The function of each deployment that was built. */
export const built = testFunction('hello');

/**
 * Fills a folder as the embedded store would have after months: deployments that went live, one a
 * minute, and a build log of the newest. By the store's own files: so many
 * requests would take minutes.
 *
 * @returns the deployments, oldest first
 */
export async function fillStore(folder: string, now: number): Promise<Deployment[]> {
  const files = await ObjectFiles.open(folder);
  await files.createBucket('pipeline');
  const store = storeOf(files, 'pipeline');
  const records = createRecords(store);
  const deployments = Array.from({ length: amounts.deployments }, (_, index) =>
    testPush({
      repo: `repo-${index % amounts.repos}`,
      receivedAt: now - (amounts.deployments - index) * 60_000,
      sha: index.toString(16).padStart(40, 'a'),
    }),
  );
  for (const push of deployments) {
    const at = push.receivedAt + 4000;
    await store.put(`${deploymentPrefix(push)}deployment.json`, JSON.stringify(push));
    await store.put(newestKey(push), '');
    await records.close(push, { state: 'live', text: '1 function is live.', at });
  }
  const newest = deployments.at(-1) ?? testPush();
  const at = newest.receivedAt + 3000;
  await records.recordPlan(newest, { outcome: 'planned', functions: [built], warnings: [], at });
  const image = 'registry.example/alice/hello:1@sha256:12';
  const build = { outcome: 'built', image, cached: false, seconds: 3, at } as const;
  await records.recordBuild(newest, built.key, build);
  const url = 'http://alice.localhost:8080/hello';
  await records.recordDeploy(newest, built.key, { outcome: 'live', url, at });
  const text = Array.from(
    { length: amounts.logLines },
    (_, n) => `\u001b[32m#${n % 40}\u001b[0m ${n} step, and what it says of itself\n`,
  ).join('');
  const { owner, repo, sha } = newest;
  const log = { owner, repo, sha, function: built.key };
  await createBuildLogs(store).add(log, { run: 'one', seq: 0, text, final: true });
  return deployments;
}

/** As much of a store as writing takes. */
function storeOf(files: ObjectFiles, bucket: string): ObjectStore {
  const write = async (key: string, body: Buffer | string): Promise<void> => {
    const headers = { 'content-type': 'application/json' };
    const content = (async function* () {
      yield Buffer.from(body);
    })();
    await files.put(bucket, key, content, () => ({ headers }), { onlyNew: false });
  };
  const refuse = () => Promise.reject(new Error('This store is for writing only.'));
  return {
    put: write,
    async create(key, body) {
      await write(key, body);
      return true;
    },
    delete: (key) => files.delete(bucket, key),
    get: async () => undefined,
    exists: async () => false,
    list: async () => [],
    folders: async () => [],
    listOlder: async () => [],
    getStream: refuse,
    putStream: refuse,
  };
}
