import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import type { Builder, BuildRequest } from '#shared/builder/builder.ts';
import { CloudError, type ErrorCode } from '#shared/errors.ts';
import { parseFunctionKey } from '#shared/names.ts';
import { builtImageKey } from '#shared/pipeline/built-images.ts';
import { type Deployment, refOf } from '#shared/pipeline/deployment.ts';
import { createRecords, type Records } from '#shared/pipeline/records.ts';
import { type Building, buildFunction } from '../../../functions/of-builder/build-function.ts';
import { createClosedWatch } from '../../../functions/of-builder/closed-watch.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import {
  createMemoryObjectStore,
  type MemoryObjectStore,
} from '../../helpers/memory-object-store.ts';
import { noSecrets } from '../../helpers/no-secrets.ts';
import { testFunction, testPush } from '../../helpers/pipeline-fixtures.ts';

const fn = testFunction('fn');
const image = { image: 'push.example/alice/hello-fn:1', digest: 'sha256:abc' };

/** A build that ends only when it is aborted, as the builder's client does. */
const untilAborted: Builder['build'] = ({ signal }) =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () =>
      reject(new CloudError('OFC_TIMEOUT', 'The build was ended.')),
    );
  });

const fromContext: Builder['build'] = async ({ context }) => {
  await context.open();
  return image;
};

/** Earlier than the push came. */
const committedAt = 1_600_000_000_000;

describe('building a function', () => {
  let store: MemoryObjectStore;
  let records: Records;
  let deployment: Deployment;
  let requests: BuildRequest[];
  let log: string[];
  let closedLogs: number;

  beforeEach(async () => {
    store = createMemoryObjectStore();
    records = createRecords(store);
    requests = [];
    log = [];
    closedLogs = 0;
    const { defaultBranch: _, ...rest } = testPush();
    deployment = rest;
    await records.begin(deployment);
    await records.recordPlan(deployment, {
      outcome: 'planned',
      functions: [fn],
      warnings: [],
      committedAt,
      at: 1,
    });
    await store.put(records.contextKey(deployment, fn.key), 'the context');
  });

  const build = (how: Builder['build'], changes: Partial<Building> = {}) =>
    buildFunction(
      {
        records,
        store,
        builder: {
          build: (request) => {
            requests.push(request);
            return how(request);
          },
        },
        secrets: noSecrets,
        openLog: () => ({
          write: (line) => log.push(line),
          close: async () => {
            closedLogs += 1;
          },
        }),
        pullName: (name) => name.replace('push.', 'pull.'),
        timeoutMs: 10_000,
        watchClosed: createClosedWatch(records, 10),
        ...changes,
      },
      refOf(deployment),
      fn.key,
    );
  const recorded = async () => (await records.load(deployment))?.builds.get(fn.key);

  it('gives the build its secrets, and hides them in the log and in what it fails with', async () => {
    const { defaultBranch: _, ...other } = testPush({ receivedAt: 1_700_000_001_000 });
    deployment = other;
    await records.begin(deployment);
    const functions = [{ ...fn, buildSecrets: ['npmrc', 'key'] }];
    await records.recordPlan(deployment, { outcome: 'planned', functions, warnings: [], at: 1 });
    await store.put(records.contextKey(deployment, fn.key), 'the context');
    const values = new Map([
      ['npmrc', Buffer.from('//npm.example/:_authToken=npm_secret')],
      ['key', Buffer.from('another secret')],
    ]);
    const asked: unknown[] = [];
    await build(
      async ({ onLog, secrets }) => {
        expect(secrets).to.equal(values);
        onLog('using npm_secret and another secret');
        throw new CloudError('OFC_BUILD_FAILED', 'npm_secret was refused');
      },
      {
        secrets: {
          open: async (ref, ids) => {
            asked.push(ref, ids);
            return values;
          },
        },
      },
    );
    expect(asked).to.deep.equal([refOf(deployment), ['npmrc', 'key']]);
    expect(log).to.deep.equal(['using ••• and •••', '••• was refused']);
    expect(await recorded()).to.include({ outcome: 'failed', text: '••• was refused' });
    for (const [, stored] of store.objects) {
      expect(String(stored)).to.not.match(/npm_secret|another secret/);
    }
  });

  it('builds the stored context and records the image by its digest', async () => {
    const record = await build(async ({ onLog }) => {
      onLog('step 1');
      return image;
    });
    expect(record).to.include({
      outcome: 'built',
      image: 'pull.example/alice/hello-fn:1@sha256:abc',
      cached: false,
    });
    expect(await recorded()).to.deep.equal(record);
    expect(requests[0]).to.deep.include({ image: fn.image, buildArgs: {} });
    expect(await text((await requests[0]?.context.open()) ?? Readable.from([]))).to.equal(
      'the context',
    );
    expect(requests[0]?.context.digest).to.equal(fn.contextDigest);
    expect(requests[0]?.scope).to.equal(`${deployment.owner}/${deployment.repo}`);
    expect(requests[0]?.labels).to.deep.equal({
      'org.opencontainers.image.source': deployment.repoUrl,
      'org.opencontainers.image.revision': deployment.sha,
      'org.opencontainers.image.created': new Date(committedAt).toISOString(),
    });
    expect(requests[0]?.createdAt).to.deep.equal(new Date(committedAt));
    expect(log).to.deep.equal(['step 1']);
    expect(closedLogs).to.equal(1);
    const known = await store.get(builtImageKey(deployment.owner, fn.buildKey));
    expect(JSON.parse(String(known))).to.deep.equal({
      image: 'pull.example/alice/hello-fn:1@sha256:abc',
    });
  });

  it('takes the tag where the builder tells no digest', async () => {
    const record = await build(async () => ({ ...image, digest: undefined }));
    expect(record).to.include({ image: 'pull.example/alice/hello-fn:1' });
    const inName = await build(async () => ({ image: 'r/a@sha256:1', digest: 'sha256:1' }));
    expect(inName, 'recorded once').to.deep.equal(record);
  });

  it('does nothing that was done, or that nobody wants any more', async () => {
    await build(async () => image);
    await build(() => Promise.reject(new Error('not called')));
    expect(requests).to.have.lengthOf(1);
    const second = testPush({ receivedAt: 1_700_000_000_001 });
    const { defaultBranch: _, ...other } = second;
    deployment = other;
    await records.begin(deployment);
    await records.recordPlan(deployment, {
      outcome: 'planned',
      functions: [fn],
      warnings: [],
      at: 1,
    });
    await records.close(deployment, { state: 'superseded', text: 'x', at: 1 });
    expect(await build(async () => image)).to.equal(undefined);
    expect(requests).to.have.lengthOf(1);
  });

  it('records what the builder says of a context that does not build', async () => {
    const record = await build(async () => {
      throw new CloudError('OFC_BUILD_FAILED', 'exit code 1.', { hint: 'See the build log.' });
    });
    expect(record).to.deep.include({
      outcome: 'failed',
      code: 'OFC_BUILD_FAILED',
      text: 'exit code 1. See the build log.',
    });
    expect(await recorded()).to.deep.equal(record);
    expect(log).to.deep.equal(['exit code 1.']);
    expect(await store.get(builtImageKey(deployment.owner, fn.buildKey))).to.equal(undefined);
  });

  for (const code of ['OFC_BUSY', 'OFC_UPSTREAM'] satisfies ErrorCode[]) {
    it(`records nothing where the builder gives ${code}, so that it is tried again`, async () => {
      await expectCode(
        build(() => Promise.reject(new CloudError(code, 'later'))),
        code,
      );
      expect(await recorded()).to.equal(undefined);
      expect(closedLogs).to.equal(1);
      expect(await build(async () => image)).to.include({ outcome: 'built' });
    });
  }

  it('records nothing where the store fails', async () => {
    const gone = () => Promise.reject(new CloudError('OFC_UPSTREAM', 'gone'));
    await expectCode(build(fromContext, { store: { ...store, getStream: gone } }), 'OFC_UPSTREAM');
    expect(await recorded()).to.equal(undefined);
  });

  it('says that the context is gone', async () => {
    await store.delete(records.contextKey(deployment, fn.key));
    expect(await build(fromContext)).to.include({ outcome: 'failed', code: 'OFC_NOT_FOUND' });
  });

  it('ends a build that takes too long, and says so', async () => {
    const record = await build(untilAborted, { timeoutMs: 30 });
    expect(record).to.include({
      outcome: 'failed',
      code: 'OFC_TIMEOUT',
      text: 'The build took longer than 0 s.',
    });
  });

  it('ends a build whose deployment was superseded meanwhile, and records nothing', async () => {
    const building = build(untilAborted, { timeoutMs: 60_000 });
    await records.close(deployment, { state: 'superseded', text: 'x', at: 1 });
    expect(await building).to.equal(undefined);
    expect(requests[0]?.signal.aborted).to.equal(true);
    expect(await recorded()).to.equal(undefined);
    expect(closedLogs).to.equal(1);
  });

  it('goes on building while the store cannot say whether it is superseded', async () => {
    let asked = 0;
    const unsure: Records = {
      ...records,
      isClosed: async () => {
        asked += 1;
        throw new CloudError('OFC_UPSTREAM', 'gone');
      },
    };
    const record = await build(
      async () => {
        while (asked < 3) await new Promise((resolve) => setTimeout(resolve, 5));
        return image;
      },
      { records: unsure, watchClosed: createClosedWatch(unsure, 10) },
    );
    expect(record).to.include({ outcome: 'built' });
  });

  it('refuses what was not planned', async () => {
    const other = parseFunctionKey('other');
    const deps = {
      records,
      store,
      builder: { build: async () => image },
      secrets: noSecrets,
      timeoutMs: 1,
      watchClosed: createClosedWatch(records, 1000),
    };
    const rest = {
      openLog: () => ({ write: () => undefined, close: async () => undefined }),
      pullName: String,
    };
    await expectCode(
      buildFunction({ ...deps, ...rest }, refOf(deployment), other),
      'OFC_NOT_FOUND',
    );
    const unknown = refOf(testPush({ receivedAt: 1 }));
    await expectCode(buildFunction({ ...deps, ...rest }, unknown, fn.key), 'OFC_NOT_FOUND');
  });
});
