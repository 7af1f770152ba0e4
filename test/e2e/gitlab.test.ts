import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import sodium from 'libsodium-wrappers';
import { cloudLabel } from '#shared/pipeline/labels.ts';
import type { Platform } from '../../local/platform/start-platform.ts';
import { answering, stackFile } from '../helpers/deployments.ts';
import { eventually } from '../helpers/eventually.ts';
import { type GitlabPush, startGitlab, type TestGitlab } from '../helpers/gitlab-server.ts';
import { gitlabToken, signedHeaders, signingToken } from '../helpers/gitlab-webhook.ts';
import { httpGet } from '../helpers/http-get.ts';
import { ownerState, sealFor } from '../helpers/owner-state.ts';
import { startScmPlatform } from '../helpers/scm-platform.ts';
import { tempDir } from '../helpers/temp-dir.ts';

describe('pushes to two GitLabs, through the real functions', function () {
  this.timeout(180_000);
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let gitlab: TestGitlab;
  let work: TestGitlab;
  let platform: Platform;
  const log: string[] = [];

  before(async () => {
    await sodium.ready;
    folder = await tempDir();
    gitlab = await startGitlab();
    work = await startGitlab();
    platform = await startScmPlatform(
      join(folder.path, 'data'),
      {
        kinds: ['gitlab'],
        environment: {
          scms: 'github,gitlab,gitlab-work',
          gitlab_instance: gitlab.url,
          gitlab_instance_work: work.url,
        },
        secrets: {
          'gitlab-webhook-secret': gitlabToken,
          'gitlab-api-token': gitlab.token,
          'gitlab-signing-token-work': signingToken,
          'gitlab-api-token-work': work.token,
        },
        moreSecrets: {
          'gitlab-event': ['gitlab-signing-token-work', 'gitlab-api-token-work'],
          'gitlab-status': ['gitlab-api-token-work'],
          'git-tar': ['gitlab-api-token', 'gitlab-api-token-work'],
        },
      },
      log,
    );
  });
  after(async () => {
    await platform?.close();
    await gitlab?.close();
    await work?.close();
    await folder?.remove();
  });

  const deliver = (payload: unknown, headers: Record<string, string>) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const sending = request(
        {
          host: '127.0.0.1',
          port: platform.port,
          path: '/gitlab-event',
          method: 'POST',
          headers: {
            host: `system.localhost:${platform.port}`,
            'content-type': 'application/json',
            ...headers,
          },
        },
        (answer) => {
          text(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), reject);
        },
      );
      sending.once('error', reject);
      sending.end(JSON.stringify(payload));
    });
  const systemHook = (payload: unknown, headers: Record<string, string> = {}) =>
    deliver(payload, {
      'x-gitlab-event': 'System Hook',
      'x-gitlab-token': gitlabToken,
      'idempotency-key': randomUUID(),
      ...headers,
    });
  const call = (label: string, path: string) =>
    httpGet(`http://127.0.0.1:${platform.port}${path}`, {
      host: `${label}.localhost:${platform.port}`,
    });
  const ended = (of: TestGitlab) =>
    eventually(
      async () => {
        const stack = of.statuses.get('stack-deploy');
        expect(stack?.state, JSON.stringify([...of.statuses.values()])).to.match(/success|failed/);
        return stack;
      },
      { timeoutMs: 60_000, everyMs: 100 },
    );
  const files = (answer: string) => ({
    'stack.yml': stackFile('hello'),
    'hello/handler.js': answering(answer),
  });
  let push: GitlabPush;

  it('bring a private project of a subgroup live, by a token for this one fetch', async () => {
    const project = await gitlab.add('acme/tools/site', { visibility: 'private' });
    push = await gitlab.push(project, {
      ...files('from a subgroup'),
      'stack.yml': stackFile('hello').replace(/( {4}lang: .*\n)/, '$1    secrets: [pin]\n'),
      'com.openfaas.secrets': await sealFor(platform, 'acme/tools', { pin: 'of the tools' }),
    });
    const answer = await systemHook(push);
    expect(answer.status, answer.body).to.equal(202);
    expect((await ended(gitlab))?.state).to.equal('success');
    const got = await call('acme----stools', '/hello');
    expect([got.status, got.text]).to.deep.equal([200, 'from a subgroup']);

    const used = gitlab.gitAuthorizations.filter((given) => given !== undefined);
    expect(used).to.have.length.above(0);
    for (const given of used) {
      expect(Buffer.from(given.slice(6), 'base64').toString()).to.match(
        /^gitlab\+deploy-token-\d+:gldt-/,
      );
    }
    expect(gitlab.deployTokens.size).to.equal(0);
    const made = gitlab.calls.find(({ path }) => path.endsWith('/deploy_tokens'));
    expect(made?.body['scopes']).to.deep.equal(['read_repository']);
  });

  it('label the function as private, of that SCM, with the stable ids', async () => {
    const fn = await platform.gateway.get('acme----stools-hello');
    expect(fn?.labels).to.include({
      [cloudLabel.private]: '1',
      [cloudLabel.scm]: 'gitlab',
      [cloudLabel.repoId]: '70',
      [cloudLabel.ownerId]: '30',
    });
  });

  it('show each state once, and the URL as environment and deployment', () => {
    const hello = gitlab.statuses.get('hello');
    expect(hello?.states.at(-1)).to.equal('success');
    expect(new Set(hello?.states).size).to.equal(hello?.states.length);
    const url = `http://acme----stools.localhost:${platform.port}/hello`;
    expect(hello?.body['target_url']).to.equal(url);
    expect(gitlab.environments).to.deep.equal([{ id: 1, name: 'hello', external_url: url }]);
    expect(gitlab.deployments).to.deep.equal([
      { environment: 'hello', sha: push.after, ref: 'main', tag: false, status: 'success' },
    ]);
  });

  it('start nothing when a delivery comes again', async () => {
    const key = randomUUID();
    const second = await gitlab.push(gitlab.projects.get(70) ?? expect.fail(), files('again'));
    gitlab.statuses.clear();
    const first = await systemHook(second, { 'idempotency-key': key });
    const again = await systemHook(second, { 'idempotency-key': key });
    expect(JSON.parse(again.body)).to.deep.equal({
      ...JSON.parse(first.body),
      result: 'already received',
    });
    expect((await ended(gitlab))?.state).to.equal('success');
    expect((await call('acme----stools', '/hello')).text).to.equal('again');
  });

  it('take signed hooks of a second GitLab, and report there', async () => {
    const project = await work.add('shop/site');
    const payload = await work.push(project, files('from work'));
    const signed = signedHeaders(JSON.stringify(payload));
    const answer = await deliver(payload, { 'x-gitlab-event': 'Push Hook', ...signed });
    expect(answer.status, answer.body).to.equal(202);
    expect((await ended(work))?.state).to.equal('success');
    expect((await call('shop', '/hello')).text).to.equal('from work');
    expect(work.calls.every(({ token }) => token === work.token)).to.equal(true);
    expect(gitlab.calls.every(({ token }) => token === gitlab.token)).to.equal(true);
  });

  it('keep an owner’s name for the account that had it first', async () => {
    const project = await work.add('acme/tools/site');
    const payload = await work.push(project, files('not you'));
    const signed = signedHeaders(JSON.stringify(payload));
    const answer = await deliver(payload, { 'x-gitlab-event': 'Push Hook', ...signed });
    expect([answer.status, answer.body]).to.deep.equal([422, answer.body]);
    expect(answer.body).to.contain('OFC_NAME_TAKEN');
  });

  it('say what to do about a stack that cannot be built', async () => {
    gitlab.statuses.clear();
    const project = await gitlab.add('acme/broken');
    await systemHook(await gitlab.push(project, { 'README.md': 'nothing' }));
    const stack = await ended(gitlab);
    expect(stack?.state).to.equal('failed');
    expect(stack?.body['description']).to.contain('stack.yml');
  });

  it('remove functions, secrets, records and logs of a project that is destroyed', async () => {
    const project = gitlab.projects.get(70) ?? expect.fail();
    const tools = { owner: 'acme/tools', prefix: 'acme----stools-' };
    const left = () => ownerState(platform, join(folder.path, 'data'), tools);
    expect((await left()).join()).to.match(/hello.*secrets.*build\.log/);
    gitlab.projects.delete(70);
    const answer = await systemHook({
      event_name: 'project_destroy',
      project_id: 70,
      path_with_namespace: project.path,
      name: 'site',
    });
    expect(answer.status, answer.body).to.equal(202);
    await eventually(async () => expect(await left()).to.deep.equal(['owners/acme~2Ftools.json']), {
      timeoutMs: 20_000,
      everyMs: 100,
    });
    expect((await call('acme----stools', '/hello')).status).to.equal(404);
    await project.repo.remove();
  });

  it('leave no credential in a log, a record or an image', async () => {
    const secrets = [gitlab.token, work.token, gitlabToken, 'gldt-', 'of the tools'];
    const said = log.join('\n');
    for (const secret of secrets) expect(said).to.not.contain(secret);
    const { readdir } = await import('node:fs/promises');
    for (const part of ['objects', 'registry', 'gateway']) {
      const base = join(folder.path, 'data', part);
      for (const entry of await readdir(base, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const content = await readFile(join(entry.parentPath, entry.name), 'latin1');
        for (const secret of secrets) {
          expect(content.includes(secret), `${entry.name} holds ${secret}`).to.equal(false);
        }
      }
    }
  });
});
