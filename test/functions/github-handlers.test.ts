import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { createLogger } from '#shared/log.ts';
import { parseOwner, parseRepoName } from '#shared/names.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import * as auditEvent from '../../functions/audit-event/handler.ts';
import * as githubEvent from '../../functions/github-event/handler.ts';
import * as githubPush from '../../functions/github-push/handler.ts';
import * as githubStatus from '../../functions/github-status/handler.ts';
import * as listFunctions from '../../functions/list-functions/handler.ts';
import * as pipelineLog from '../../functions/pipeline-log/handler.ts';
import { createS3Server, type S3Server } from '../../local/object-store/s3-server.ts';
import { callHandler } from '../helpers/call-handler.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { listen, type TestServer } from '../helpers/listen.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import {
  appId,
  keys,
  secret,
  startGitServer,
  type TestGitServer,
} from '../local/git-server/harness.ts';

type Classic = (event: FunctionEvent, context: FunctionContext) => Promise<unknown>;
const steps: Record<string, { init: () => Promise<void>; default: Classic }> = {
  'github-event': githubEvent,
  'github-push': githubPush,
  'github-status': githubStatus,
  'audit-event': auditEvent,
};

/** What a test sets does not reach the next one. */
const environment = { ...process.env };
const restoreEnvironment = () => {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, environment);
};

describe('the handlers of a push', () => {
  after(restoreEnvironment);

  it('are stopped by a wrong configuration, with all that is wrong', async () => {
    Object.assign(process.env, { secret_mount_path: '/nowhere', gateway_url: 'nonsense' });
    const all = { ...steps, 'list-functions': listFunctions, 'pipeline-log': pipelineLog };
    for (const [name, { init }] of Object.entries(all)) {
      const error = await expectCode(init, 'OFC_CONFIG');
      expect(error.message, name).to.contain('The secret "payload-secret" is missing');
    }
  });
});

describe('the handlers of a push, on a real store and a real git host', () => {
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let s3: S3Server;
  let git: TestGitServer;
  let gateway: TestServer;
  const received: string[] = [];
  const answers: string[] = [];

  before(async () => {
    folder = await tempDir();
    const log = createLogger({}, () => undefined);
    const s3Keys = { accessKey: 'access', secretKey: 'secret-key', region: 'us-east-1' };
    s3 = await createS3Server({ folder: join(folder.path, 's3'), ...s3Keys, log });
    gateway = await listen(async (request, response) => {
      const [, kind, name = ''] = /^\/(async-)?function\/([a-z-]+)/.exec(request.url ?? '') ?? [];
      received.push(name);
      const step = steps[name];
      if (step === undefined) return void response.writeHead(202).end();
      const { status, body } = await callHandler(step.default, request);
      answers.push(`${name} ${status}`);
      // A queue takes a message first; here it is done at once, and a failure is the sender's.
      response.writeHead(kind !== undefined && status < 300 ? 202 : status).end(body);
    });
    const webhook = { url: () => `${gateway.url}/function/github-event`, secret };
    git = await startGitServer({ webhook });
    const secrets = {
      'payload-secret': 'payload secret',
      'github-webhook-secret': secret,
      's3-access-key': s3Keys.accessKey,
      's3-secret-key': s3Keys.secretKey,
      'private-key': keys.privateKey,
      'basic-auth-user': 'admin',
      'basic-auth-password': 'password',
      customers: 'alice\n',
    };
    await mkdir(join(folder.path, 'secrets'));
    for (const [name, value] of Object.entries(secrets)) {
      await writeFile(join(folder.path, 'secrets', name), value);
    }
    Object.assign(process.env, {
      secret_mount_path: join(folder.path, 'secrets'),
      gateway_url: gateway.url,
      gateway_pretty_url: 'http://user.localhost:8080/function',
      s3_url: s3.url,
      github_url: git.url,
      github_api_url: git.api,
      github_app_id: String(appId),
    });
    for (const { init } of Object.values(steps)) await init();
    await listFunctions.init();
    await pipelineLog.init();
  });

  after(async () => {
    await git?.close();
    await gateway?.close();
    await s3?.close();
    await folder?.remove();
    restoreEnvironment();
  });

  it('turn a git push into a deployment and a check on the commit', async () => {
    const { sha } = await git.pushed('alice', 'hello');
    const runs = await eventually(async () => {
      const { data } = await git
        .anonymous()
        .rest.checks.listForRef({ owner: 'alice', repo: 'hello', ref: sha });
      expect(data.check_runs).to.have.length(1);
      expect(received).to.include('git-tar');
      return data.check_runs;
    });
    expect(runs[0]).to.include({ name: 'stack-deploy', status: 'in_progress' });
    expect(runs[0]?.output.title).to.equal('Deploy to OpenFaaS');
    expect(runs[0]?.details_url).to.equal('http://system.localhost:8080/');

    const store = createS3ObjectStore({
      endpoint: s3.url,
      region: 'us-east-1',
      bucket: 'pipeline',
      accessKey: 'access',
      secretKey: 'secret-key',
    });
    const [ref] = await createRecords(store).deploymentsOf(
      parseOwner('alice'),
      parseRepoName('hello'),
    );
    expect(runs[0]?.external_id).to.equal(`${ref?.id}/stack`);
    await eventually(async () => {
      const trail = await Promise.all((await store.list('audit/')).map((key) => store.get(key)));
      expect(trail.join('\n')).to.contain('"Push to main accepted"');
    });
  });

  it('refuse an owner who is no customer, and show it in the list of deliveries', async () => {
    const { sha } = await git.pushed('mallory', 'hello');
    await eventually(() => expect(answers).to.include('github-event 403'));
    const { data } = await git
      .anonymous()
      .rest.checks.listForRef({ owner: 'mallory', repo: 'hello', ref: sha });
    expect(data.check_runs).to.deep.equal([]);
  });

  it('refuse a webhook from anybody else', async () => {
    const answer = await fetch(`${gateway.url}/function/github-event`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'push',
        'x-github-delivery': randomUUID(),
        'x-hub-signature-256': `sha256=${'0'.repeat(64)}`,
      },
      body: '{}',
    });
    expect(answer.status).to.equal(401);
  });
});
