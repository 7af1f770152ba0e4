import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import { builtImageKey } from '#shared/pipeline/built-images.ts';
import { type Deployment, refOf } from '#shared/pipeline/deployment.ts';
import { createRecords, type Records } from '#shared/pipeline/records.ts';
import { defaultSourceLimits } from '#shared/shrinkwrap/limits.ts';
import { createMemoryTree, type MemoryEntry } from '#shared/shrinkwrap/memory-tree.ts';
import { type GitTar, planDeployment } from '../../../functions/git-tar/plan-deployment.ts';
import { createTemplates } from '../../../functions/git-tar/templates.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import {
  createMemoryObjectStore,
  type MemoryObjectStore,
} from '../../helpers/memory-object-store.ts';
import { noSecrets } from '../../helpers/no-secrets.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';

const good = {
  'stack.yml': `provider: { name: openfaas }
functions:
  a: { lang: node-ts, handler: ./a, image: a }
  b: { lang: node-ts, handler: ./b, image: b }
`,
  'a/handler.ts': 'a',
  'b/handler.ts': 'b',
};

describe('planning a deployment', () => {
  let store: MemoryObjectStore;
  let records: Records;
  let deployment: Deployment;
  let removed: number;

  const begin = async (receivedAt: number) => {
    const { defaultBranch: _, ...rest } = testPush({ receivedAt });
    deployment = rest;
    await records.begin(deployment);
  };
  beforeEach(async () => {
    store = createMemoryObjectStore();
    records = createRecords(store);
    removed = 0;
    await begin(1_700_000_000_000);
  });

  const plan = (files: Record<string, MemoryEntry> = good, changes: Partial<GitTar> = {}) =>
    planDeployment(
      {
        records,
        store,
        fetch: async () => ({
          tree: createMemoryTree(files),
          remove: async () => {
            removed += 1;
          },
        }),
        planning: {
          templates: createTemplates({
            builtIn: createMemoryTree({ 'node-ts/template.yml': 'language: node-ts\n' }),
            aliases: {},
            repositories: ['https://templates.example'],
            enableDockerfile: false,
            fetch: () => Promise.reject(new CloudError('OFC_UPSTREAM', 'no network')),
          }),
          pushRepositoryUrl: 'registry:5000',
          limits: defaultSourceLimits,
          allowedBuildArgs: new Set(),
        },
        secrets: noSecrets,
        imageExists: async () => true,
        ...changes,
      },
      refOf(deployment),
    );
  const contexts = () => [...store.objects.keys()].filter((key) => key.endsWith('context.tar'));
  const recorded = async () => (await records.load(deployment))?.plan;

  it('stores a context for each function, records the plan and cleans up', async () => {
    const record = await plan();
    expect(record?.outcome).to.equal('planned');
    expect(await recorded()).to.deep.equal(record);
    expect(contexts()).to.have.lengthOf(2);
    expect(removed).to.equal(1);
  });

  it('notes when the commit was made, if that can be', async () => {
    const day = 24 * 60 * 60_000;
    for (const [offset, taken] of [
      [-1000 * day, true],
      [0, true],
      [day, true],
      [day + 1, false],
      [Number.NEGATIVE_INFINITY, false],
      [Number.NaN, false],
    ] as const) {
      await begin(deployment.receivedAt + 1);
      const committedAt = new Date(deployment.receivedAt + offset);
      const fetch = async () => ({
        tree: createMemoryTree(good),
        remove: async () => undefined,
        committedAt,
      });
      const record = await plan(good, { fetch });
      if (record?.outcome !== 'planned') throw new Error('not planned');
      expect(record.committedAt).to.equal(taken ? committedAt.getTime() : undefined);
    }
  });

  it('uploads nothing for an image that was built before, and takes it', async () => {
    const first = await plan();
    if (first?.outcome !== 'planned') throw new Error('not planned');
    const [a] = first.functions;
    await store.put(builtImageKey(deployment.owner, a?.buildKey ?? ''), '{"image":"r/a@sha256:1"}');
    for (const key of contexts()) await store.delete(key);
    await begin(1_700_000_000_001);
    await plan();
    expect(contexts().map((key) => key.split('/').at(-2))).to.deep.equal(['b']);
    const { builds } = (await records.load(deployment)) ?? {};
    expect(
      [...(builds?.entries() ?? [])].map(([key, build]) => [key, build.outcome]),
    ).to.deep.equal([['a', 'built']]);
    expect([...(builds?.values() ?? [])][0]).to.include({ image: 'r/a@sha256:1', cached: true });
  });

  it('builds again where the registry has lost the image, and takes nobody else’s', async () => {
    const first = await plan();
    if (first?.outcome !== 'planned') throw new Error('not planned');
    for (const { buildKey } of first.functions) {
      await store.put(builtImageKey(deployment.owner, buildKey), '{"image":"r/a@sha256:1"}');
      await store.put(`contexts/mallory/${buildKey}.json`, '{"image":"evil@sha256:1"}');
    }
    await begin(1_700_000_000_001);
    await plan(good, { imageExists: async () => false });
    expect((await records.load(deployment))?.builds.size).to.equal(0);
    expect(contexts()).to.have.lengthOf(4);
  });

  it('records what is wrong with the repo, with the fix', async () => {
    const record = await plan({ 'README.md': 'x' });
    expect(record).to.include({ outcome: 'failed', code: 'OFC_STACK_MISSING' });
    expect(await recorded()).to.deep.equal(record);
    expect(removed).to.equal(1);
    const clone = () =>
      Promise.reject(new CloudError('OFC_CLONE', 'Gone.', { hint: 'Push again.' }));
    await begin(1_700_000_000_001);
    expect(await plan(good, { fetch: clone })).to.include({ text: 'Gone. Push again.' });
  });

  it('records a mistake of the operator, who must act', async () => {
    const config = () =>
      Promise.reject(new CloudError('OFC_CONFIG', 'Private repos need a GitHub App.'));
    expect(await plan(good, { fetch: config })).to.include({
      outcome: 'failed',
      code: 'OFC_CONFIG',
    });
  });

  for (const [what, changes, code] of [
    [
      'the git server is ill',
      { fetch: () => Promise.reject(new CloudError('OFC_UPSTREAM', 'x')) },
      'OFC_UPSTREAM',
    ],
    [
      'the git server is slow',
      { fetch: () => Promise.reject(new CloudError('OFC_TIMEOUT', 'x')) },
      'OFC_TIMEOUT',
    ],
  ] as const) {
    it(`records nothing where ${what}, so that it is tried again`, async () => {
      await expectCode(plan(good, changes), code);
      expect(await recorded()).to.equal(undefined);
      expect((await plan())?.outcome).to.equal('planned');
    });
  }

  it('records nothing where a template or the store cannot be reached, and cleans up', async () => {
    const go = { ...good, 'stack.yml': good['stack.yml'].replaceAll('node-ts', 'go') };
    await expectCode(plan(go), 'OFC_UPSTREAM');
    const put = () => Promise.reject(new CloudError('OFC_UPSTREAM', 'x'));
    await expectCode(plan(good, { store: { ...store, put } }), 'OFC_UPSTREAM');
    expect(await recorded()).to.equal(undefined);
    expect(removed).to.equal(2);
  });

  it('passes a fault of ours on, instead of blaming the repo', async () => {
    let thrown: unknown;
    const fault = new TypeError('x is undefined');
    await plan(good, { fetch: () => Promise.reject(fault) }).catch((error: unknown) => {
      thrown = error;
    });
    expect(thrown).to.be.instanceOf(CloudError);
    expect((thrown as CloudError).cause).to.equal(fault);
    expect(await recorded()).to.equal(undefined);
  });

  it('does nothing for what is planned or closed', async () => {
    const first = await plan();
    const never = () => Promise.reject(new Error('not called'));
    expect(await plan(good, { fetch: never })).to.deep.equal(first);
    await begin(1_700_000_000_001);
    await records.close(deployment, { state: 'superseded', text: 'x', at: 1 });
    expect(await plan(good, { fetch: never })).to.equal(undefined);
  });

  it('refuses a deployment that does not exist', async () => {
    deployment = { ...deployment, id: testPush({ receivedAt: 5 }).id };
    await expectCode(plan(), 'OFC_NOT_FOUND');
  });
});
