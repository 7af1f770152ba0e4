import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import jwt from 'jsonwebtoken';
import { createBuildLogs } from '#shared/build-log/build-logs.ts';
import { parseFunctionKey } from '#shared/names.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import type { PlanRecord } from '#shared/pipeline/plan.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import { createPublicUrls } from '#shared/public-urls.ts';
import { createGithubApp } from '#shared/scm/github/app-client.ts';
import { createCheckRuns } from '#shared/scm/github/check-runs.ts';
import { createCommitStatuses } from '#shared/scm/github/commit-statuses.ts';
import { reportDeployment } from '#shared/scm/report-deployment.ts';
import { retryAfterSeconds } from '#shared/scm/retry-after.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { type FakeGithub, startFakeGithub } from '../helpers/fake-github.ts';
import { createMemoryObjectStore } from '../helpers/memory-object-store.ts';
import { testFunction, testPush } from '../helpers/pipeline-fixtures.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const urls = createPublicUrls({ publicUrl: '', prettyUrl: 'https://user.example.com/function' });
const key = parseFunctionKey('fn');
const { defaultBranch: _, ...deployment } = testPush();

describe('github-status', () => {
  let github: FakeGithub;
  beforeEach(async () => {
    github = await startFakeGithub();
  });
  afterEach(() => github.close());

  function setUp({ checks = true, waitMs = 100 } = {}) {
    const store = createMemoryObjectStore();
    const records = createRecords(store);
    const logs = createBuildLogs(store);
    const app = createGithubApp({ apiUrl: github.url, appId: '8123', privateKey, timeoutMs: 2000 });
    const reporter = checks
      ? createCheckRuns({ app, store, waitMs })
      : createCommitStatuses({ app, store });
    const deps = { records, logs, urls, reporter };
    return {
      store,
      records,
      logs,
      deps,
      report: (of: Deployment = deployment) => reportDeployment(deps, of),
    };
  }

  const planned: PlanRecord = {
    outcome: 'planned',
    functions: [testFunction('fn')],
    warnings: [],
    at: 1,
  };
  const failed = { outcome: 'failed', code: 'OFC_BUILD_FAILED', text: 'It broke.', at: 2 } as const;
  const writes = () => github.calls.filter(({ path }) => !path.startsWith('/app/'));
  const run = (name: string) => github.runs.find((found) => found.name === name);

  it('creates one check for each context, and updates it in place', async () => {
    const { records, logs, report } = setUp();
    await records.begin(deployment);
    await report();
    expect(run('stack-deploy')).to.deep.include({
      status: 'queued',
      head_sha: deployment.sha,
      external_id: `${deployment.id}/stack`,
      details_url: 'https://system.example.com/',
    });

    await records.recordPlan(deployment, planned);
    await records.claim(deployment, 'build/fn', { leaseMs: 1000, maxAttempts: 1 });
    await report();
    expect(run('fn')).to.deep.include({ status: 'in_progress' });

    await logs.add(
      { ...deployment, function: key },
      { run: 'r', seq: 0, text: 'boom\n', final: true },
    );
    await records.recordBuild(deployment, key, failed);
    await records.close(deployment, { state: 'failed', text: '1 of 1 failed: fn.', at: 3 });
    await report();
    expect(github.runs).to.have.length(2);
    expect(run('stack-deploy')).to.deep.include({ status: 'completed', conclusion: 'failure' });
    expect(run('fn')).to.deep.include({ status: 'completed', conclusion: 'failure' });
    expect(run('fn')?.['output']).to.deep.include({
      title: 'Build fn',
      text: '\n```shell\nboom\n\n```\n',
    });
    expect(writes().every(({ path }) => path.startsWith('/repos/Alice/hello/'))).to.equal(true);
  });

  it('gives the verdict after the checks that it is about', async () => {
    const { records, report } = setUp();
    await records.begin(deployment);
    await records.recordPlan(deployment, planned);
    await records.recordBuild(deployment, key, failed);
    await records.close(deployment, { state: 'failed', text: '1 of 1 failed: fn.', at: 3 });
    await report();
    expect(github.runs.map(({ name }) => name)).to.deep.equal(['fn', 'stack-deploy']);
  });

  it('writes nothing when nothing changed', async () => {
    const { records, report } = setUp();
    await records.begin(deployment);
    await records.recordPlan(deployment, planned);
    expect(await report()).to.equal(2);
    const before = writes().length;
    expect(await report()).to.equal(0);
    expect(writes()).to.have.length(before);
  });

  it('acts as the app, with a token for this repo and nothing but checks', async () => {
    const { records, report } = setUp();
    await records.begin(deployment);
    await report();
    await records.recordPlan(deployment, planned);
    await report();
    const tokens = github.calls.filter(({ path }) => path === '/app/installations/7/access_tokens');
    expect(tokens).to.have.length(1);
    expect(tokens[0]?.body).to.deep.equal({
      repository_ids: [22],
      permissions: { checks: 'write' },
    });
    const bearer = tokens[0]?.authorization?.replace(/^bearer /i, '') ?? '';
    const claims = jwt.verify(bearer, publicKey, { algorithms: ['RS256'] });
    expect(claims).to.include({ iss: '8123' });
    expect(writes().every(({ authorization }) => authorization === 'token ghs_token')).to.equal(
      true,
    );
  });

  it('has nothing to report for a push that came without an installation', async () => {
    const { records, report } = setUp();
    const { installationId: _id, ...without } = deployment;
    await records.begin(without);
    expect(await report(without)).to.equal(0);
    expect(github.calls).to.deep.equal([]);
  });

  it('does not know a deployment that is not there', async () => {
    await expectCode(setUp().report(), 'OFC_NOT_FOUND');
  });

  it('creates one check when many calls come at the same time', async () => {
    const { records, report } = setUp({ waitMs: 2000 });
    await records.begin(deployment);
    await Promise.all(Array.from({ length: 5 }, () => report()));
    expect(github.runs).to.have.length(1);
  });

  it('finds the check again that a call made before it was interrupted', async () => {
    const { store, records, report } = setUp();
    await records.begin(deployment);
    await report();
    const prefix = `deployments/alice/hello/${deployment.id}/checks/stack/`;
    await store.delete(`${prefix}run.json`);
    await records.recordPlan(deployment, { ...failed, text: 'No stack.yml.' });
    await report();
    expect(github.runs).to.have.length(1);
    expect(run('stack-deploy')).to.deep.include({ conclusion: 'failure' });
  });

  it('has a call wait its turn while another one creates the check', async () => {
    const { store, records, report } = setUp();
    await records.begin(deployment);
    const claim = `deployments/alice/hello/${deployment.id}/checks/stack/claim`;
    await store.put(claim, JSON.stringify({ at: Date.now() }));
    await expectCode(report(), 'OFC_BUSY');
    expect(github.runs).to.deep.equal([]);
    await store.put(claim, JSON.stringify({ at: Date.now() - 120_000 }));
    await report();
    expect(github.runs).to.have.length(1);
  });

  it('creates the check after a failure, once, even if GitHub had taken it', async () => {
    const { records, report } = setUp();
    await records.begin(deployment);
    let fail: 'before' | 'after' | undefined = 'before';
    github.intercept = ({ method, body }, response) => {
      if (method !== 'POST' || fail === undefined) return;
      if (fail === 'after') github.runs.push({ id: 5, name: 'stack-deploy', ...body });
      response.writeHead(502).end();
    };
    await expectCode(report(), 'OFC_UPSTREAM');
    expect(github.runs).to.have.length(0);
    fail = 'after';
    await expectCode(report(), 'OFC_UPSTREAM');
    fail = undefined;
    await report();
    expect(github.runs).to.have.length(1);
  });

  it('repairs what a call that was overtaken wrote over', async () => {
    const { records, report } = setUp();
    await records.begin(deployment);
    await report();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let first = true;
    github.intercept = async ({ method }) => {
      if (method !== 'PATCH' || !first) return;
      first = false;
      await held;
    };
    await records.recordPlan(deployment, planned);
    const slow = report(); // is about to say: planned
    await eventually(() => expect(first).to.equal(false));
    await records.close(deployment, { state: 'live', text: '1 function is live.', at: 3 });
    await report();
    expect(run('stack-deploy')).to.deep.include({ conclusion: 'success' });
    release();
    await slow;
    expect(run('stack-deploy')).to.deep.include({ status: 'completed', conclusion: 'success' });
  });

  it('reports the other contexts when one cannot be written', async () => {
    const { records, report } = setUp();
    await records.begin(deployment);
    await records.recordPlan(deployment, planned);
    github.intercept = ({ body }, response) => {
      if (body['name'] === 'stack-deploy') response.writeHead(500).end();
    };
    await expectCode(report(), 'OFC_UPSTREAM');
    expect(run('fn')).to.deep.include({ status: 'queued' });
  });

  describe('a rate limit', () => {
    // The headers are made when they are sent: some name a time.
    const limits: [string, number, () => Record<string, string>, string][] = [
      ['Retry-After', 403, () => ({ 'retry-after': '30' }), 'secondary rate limit'],
      ['429', 429, () => ({ 'retry-after': '30' }), 'slow down'],
      [
        'no calls left',
        403,
        () => ({
          'x-ratelimit-remaining': '0',
          'x-ratelimit-reset': String(Math.ceil(Date.now() / 1000) + 30),
        }),
        'limit',
      ],
      ['a message only', 403, () => ({}), 'You have exceeded a secondary rate limit.'],
    ];
    for (const [what, status, headers, message] of limits) {
      it(`has the queue try again later: ${what}`, async () => {
        const { records, report } = setUp();
        await records.begin(deployment);
        await records.recordPlan(deployment, planned);
        github.intercept = (_call, response) => {
          response.writeHead(status, { 'content-type': 'application/json', ...headers() });
          response.end(JSON.stringify({ message }));
        };
        const error = await expectCode(report(), 'OFC_BUSY');
        expect(retryAfterSeconds(error)).to.be.within(25, 60);
        expect(writes()).to.have.length(1);
        await expectCode(report(), 'OFC_BUSY');
        expect(writes(), 'GitHub is left alone').to.have.length(1);
      });
    }
  });

  it('tells credentials, a repo that is gone and an outage apart', async () => {
    const { records, report } = setUp();
    await records.begin(deployment);
    for (const [status, code] of [
      [401, 'OFC_CONFIG'],
      [403, 'OFC_CONFIG'],
      [404, 'OFC_NOT_FOUND'],
      [422, 'OFC_NOT_FOUND'],
      [503, 'OFC_UPSTREAM'],
    ] as const) {
      github.intercept = (_call, response) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end('{"message":"no"}');
      };
      const error = await expectCode(report(), code);
      expect(error.text).to.not.contain('ghs_token');
    }
    github.intercept = (_call, response) => void response.destroy();
    await expectCode(report(), 'OFC_UPSTREAM');
  });

  describe('as commit statuses', () => {
    // The original gave all of them one context, the app's id.
    it('names the real context of each', async () => {
      const { records, report } = setUp({ checks: false });
      await records.begin(deployment);
      await records.recordPlan(deployment, planned);
      await records.recordBuild(deployment, key, { ...failed, text: 'x'.repeat(300) });
      await report();
      expect(github.statuses.map(({ context, state }) => [context, state])).to.deep.equal([
        ['stack-deploy', 'pending'],
        ['fn', 'failure'],
      ]);
      expect(String(github.statuses[1]?.['description'])).to.have.length(140);
      expect(github.statuses[1]?.['target_url']).to.match(
        /^https:\/\/system\.example\.com\/pipeline-log\?/,
      );
      expect(await report()).to.equal(0);
      expect(github.runs).to.deep.equal([]);
      const [token] = github.calls;
      expect(token?.body['permissions']).to.deep.equal({ statuses: 'write' });
    });

    for (const [state, expected] of [
      ['live', 'success'],
      ['failed', 'failure'],
      ['superseded', 'error'],
      ['skipped', 'success'],
    ] as const) {
      it(`says ${expected} for ${state}`, async () => {
        const { records, report } = setUp({ checks: false });
        await records.begin(deployment);
        await records.close(deployment, { state, text: 'done', at: 1 });
        await report();
        expect(github.statuses[0]).to.include({ state: expected, description: 'done' });
      });
    }
  });
});
