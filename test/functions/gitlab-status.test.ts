import { expect } from 'chai';
import { createBuildLogs } from '#shared/build-log/build-logs.ts';
import { parseFunctionKey } from '#shared/names.ts';
import type { PlanRecord } from '#shared/pipeline/plan.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import { createPublicUrls } from '#shared/public-urls.ts';
import { createGiteaStatuses } from '#shared/scm/gitea/commit-statuses.ts';
import { createGitlabStatuses } from '#shared/scm/gitlab/commit-statuses.ts';
import { createGitlabClient } from '#shared/scm/gitlab/gitlab-client.ts';
import { createJsonApi } from '#shared/scm/json-api.ts';
import { reportDeployment } from '#shared/scm/report-deployment.ts';
import type { Reporter } from '#shared/scm/reporter.ts';
import { retryAfterSeconds } from '#shared/scm/retry-after.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { startGitlab, type TestGitlab } from '../helpers/gitlab-server.ts';
import { listen } from '../helpers/listen.ts';
import { createMemoryObjectStore, type MemoryObjectStore } from '../helpers/memory-object-store.ts';
import { testFunction, testPush } from '../helpers/pipeline-fixtures.ts';

const urls = createPublicUrls({ publicUrl: '', prettyUrl: 'https://user.example.com/function' });
const key = parseFunctionKey('fn');

function setUp(reporter: (store: MemoryObjectStore) => Reporter) {
  const { defaultBranch: _, ...deployment } = testPush({ scm: 'gitlab', repoId: 70 });
  const store = createMemoryObjectStore();
  const records = createRecords(store);
  const deps = { records, logs: createBuildLogs(store), urls, reporter: reporter(store) };
  return { deployment, records, report: () => reportDeployment(deps, deployment) };
}

describe('gitlab-status', () => {
  let gitlab: TestGitlab;
  beforeEach(async () => {
    gitlab = await startGitlab();
    await gitlab.add('alice/hello');
  });
  afterEach(() => gitlab.close());
  const start = () => {
    const { api } = createGitlabClient(gitlab.url, gitlab.token);
    return setUp((store) => createGitlabStatuses({ api, store }));
  };

  it('follows a failed build, with the log as target and a failed deployment', async () => {
    const { deployment, records, report } = start();
    await records.begin(deployment);
    await report();
    const planned: PlanRecord = {
      outcome: 'planned',
      functions: [testFunction('fn')],
      warnings: [],
      at: 1,
    };
    await records.recordPlan(deployment, planned);
    await records.claim(deployment, 'build/fn', { leaseMs: 1000, maxAttempts: 1 });
    await report();
    const failed = {
      outcome: 'failed',
      code: 'OFC_BUILD_FAILED',
      text: 'It broke.',
      at: 2,
    } as const;
    await records.recordBuild(deployment, key, failed);
    await records.close(deployment, { state: 'failed', text: '1 of 1 failed: fn.', at: 3 });
    await report();
    expect(gitlab.statuses.get('fn')?.states).to.deep.equal(['running', 'failed']);
    expect(gitlab.statuses.get('fn')?.body).to.include({ ref: 'master' });
    expect(gitlab.statuses.get('fn')?.body['target_url']).to.contain('pipeline-log');
    expect(gitlab.statuses.get('fn')?.body['description']).to.contain('It broke.');
    expect(gitlab.statuses.get('stack-deploy')?.states.at(-1)).to.equal('failed');
    expect(gitlab.environments).to.deep.equal([]);
    expect(gitlab.deployments.map(({ status }) => status)).to.deep.equal(['failed']);
    expect(await report()).to.equal(0);
  });

  it('calls a push that a newer one replaced cancelled', async () => {
    const { deployment, records, report } = start();
    await records.begin(deployment);
    await records.close(deployment, { state: 'superseded', text: 'A newer push.', at: 3 });
    await report();
    expect(gitlab.statuses.get('stack-deploy')?.states).to.deep.equal(['canceled']);
  });

  it('tries again after 409 and 429, and leaves a longer wait to the queue', async () => {
    const answers = [409, 429];
    gitlab.intercept = (_call, response) => {
      const status = answers.shift();
      if (status !== undefined) response.writeHead(status, { 'retry-after': '1' }).end('{}');
    };
    const { deployment, records, report } = start();
    await records.begin(deployment);
    expect(await report()).to.equal(1);
    expect(gitlab.statuses.get('stack-deploy')?.states).to.deep.equal(['pending']);

    gitlab.intercept = (_call, response) => {
      response.writeHead(429, { 'retry-after': '90' }).end('{}');
    };
    await records.close(deployment, { state: 'live', text: 'Live.', at: 3 });
    const error = await expectCode(report(), 'OFC_BUSY');
    expect(retryAfterSeconds(error)).to.equal(90);
  });

  it('takes it well that GitLab says so already, or has no deployments', async () => {
    const { deployment, records, report } = start();
    await records.begin(deployment);
    await report();
    const again = start();
    await again.records.begin(deployment);
    expect(await again.report()).to.equal(1);
    expect(gitlab.statuses.get('stack-deploy')?.states).to.deep.equal(['pending']);
  });
});

describe('gitea-status', () => {
  it('writes statuses as GitHub has them, and follows no redirect with its token', async () => {
    const seen: { path: string; token: string | undefined; body: string }[] = [];
    let redirect = false;
    const evil = await listen((_request, response) => {
      seen.push({ path: 'evil', token: undefined, body: '' });
      response.end('{}');
    });
    const gitea = await listen(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (redirect) return void response.writeHead(307, { location: evil.url }).end();
      const { url: path = '', headers } = request;
      seen.push({ path, token: headers.authorization, body: Buffer.concat(chunks).toString() });
      response.writeHead(201, { 'content-type': 'application/json' }).end('{"id":1}');
    });
    const api = createJsonApi({
      name: 'Gitea',
      baseUrl: `${gitea.url}/api/v1`,
      headers: { authorization: 'token s3cret' },
    });
    const { deployment, records, report } = setUp((store) => createGiteaStatuses({ api, store }));
    await records.begin(deployment);
    await report();
    expect(seen).to.have.length(1);
    expect(seen[0]).to.include({
      path: `/api/v1/repos/Alice/hello/statuses/${deployment.sha}`,
      token: 'token s3cret',
    });
    expect(JSON.parse(seen[0]?.body ?? '')).to.include({
      context: 'stack-deploy',
      state: 'pending',
    });
    redirect = true;
    await records.close(deployment, { state: 'live', text: 'Live.', at: 3 });
    const error = await expectCode(report(), 'OFC_CONFIG');
    expect(error.text).to.not.contain('s3cret');
    expect(seen).to.have.length(1);
    await gitea.close();
    await evil.close();
  });
});
