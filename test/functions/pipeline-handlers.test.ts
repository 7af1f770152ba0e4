import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import type { FunctionContext, FunctionEvent, RawHandler } from '#runtime-types';
import type { FunctionDeployment } from '#shared/gateway/function-status.ts';
import { createLogger } from '#shared/log.ts';
import { signedCallbackUrl } from '#shared/messages/callback-url.ts';
import { createSigner, signatureHeader } from '#shared/messages/signature.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { type Deployment, refOf } from '#shared/pipeline/deployment.ts';
import { createRecords, type Records } from '#shared/pipeline/records.ts';
import { tell } from '#shared/pipeline/tell.ts';
import * as buildshiprun from '../../functions/buildshiprun/handler.ts';
import * as garbageCollect from '../../functions/garbage-collect/handler.ts';
import * as gitTar from '../../functions/git-tar/handler.ts';
import * as ofBuilder from '../../functions/of-builder/handler.ts';
import { createS3Server, type S3Server } from '../../local/object-store/s3-server.ts';
import { callHandler } from '../helpers/call-handler.ts';
import { callRawHandler } from '../helpers/call-raw-handler.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { type GitHttpServer, serveGit } from '../helpers/git-http-server.ts';
import { type GitRepo, gitRepo } from '../helpers/git-repo.ts';
import { send } from '../helpers/http-client.ts';
import { listen, type TestServer } from '../helpers/listen.ts';
import { testPush } from '../helpers/pipeline-fixtures.ts';
import { tempDir } from '../helpers/temp-dir.ts';

type Classic = (event: FunctionEvent, context: FunctionContext) => Promise<unknown>;
type Step = { init: () => unknown } & ({ default: Classic } | { raw: RawHandler });
const steps: Record<string, Step> = {
  'git-tar': gitTar,
  buildshiprun,
  'of-builder': ofBuilder,
  'garbage-collect': garbageCollect,
};
const callStep = (step: Step, request: IncomingMessage) =>
  'raw' in step ? callRawHandler(step.raw, request) : callHandler(step.default, request);
const environment = { ...process.env };
const restoreEnvironment = () => {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, environment);
};
const signer = createSigner({ current: 'payload secret' });

describe('the handlers of a deployment', () => {
  after(restoreEnvironment);

  it('are stopped by a wrong configuration, with all that is wrong', async () => {
    Object.assign(process.env, { secret_mount_path: '/nowhere', gateway_url: 'nonsense' });
    for (const [name, { init }] of Object.entries(steps)) {
      const error = await expectCode(init, 'OFC_CONFIG');
      expect(error.message, name).to.contain('payload-secret').and.contain('gateway_url');
    }
  });
});

describe('the handlers of a deployment, on a real store, a git server and a builder', () => {
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let s3: S3Server;
  let gateway: TestServer;
  let builder: TestServer;
  let repo: GitRepo;
  let git: GitHttpServer;
  let records: Records;
  let store: ObjectStore;
  const functions = new Map<string, FunctionDeployment>();
  const calls: string[] = [];
  let answerBuild: (response: ServerResponse) => void;
  const pending = new Set<Promise<void>>();

  /** What a test has the queue do with a message, or with the callback after a call. */
  let queue: {
    /** The status of a refusal. */
    refuse: (name: string) => number | undefined;
    lose: (name: string, kind: 'message' | 'callback') => boolean;
  };
  /** As OpenFaaS CE's queue has one. */
  let lane: Promise<unknown> | undefined;
  const sizes: number[] = [];

  /** As the queue of a gateway: takes the message, calls the function once, posts the answer on once. */
  const enqueue = async (name: string, request: IncomingMessage, response: ServerResponse) => {
    const body = await buffer(request);
    sizes.push(body.length);
    const refused = queue.refuse(name);
    response.writeHead(refused ?? 202).end();
    if (refused !== undefined || queue.lose(name, 'message')) return;
    const { 'x-callback-url': callback, ...headers } = request.headers;
    // The function sees what follows its name.
    const url = `/?${request.url?.split('?')[1] ?? ''}`;
    const copy = Object.assign(new PassThrough(), { method: 'POST', url, headers });
    copy.end(body);
    const turn = lane;
    const run = (async () => {
      await turn;
      const step = steps[name];
      if (step === undefined) {
        calls.push(name);
        // The commit knows now, which is all that github-status would have to note.
        const done = name === 'github-status' && (await records.load(JSON.parse(String(body))));
        if (done) await tell(records, done, 'status');
        return;
      }
      const answer = await callStep(step, copy as unknown as IncomingMessage);
      const { status } = answer;
      calls.push(`${name} ${status}`);
      if (typeof callback !== 'string' || queue.lose(name, 'callback')) return;
      const url = new URL(callback);
      const wait = 'headers' in answer ? answer.headers['retry-after'] : undefined;
      await send(gateway.port, url.pathname + url.search, {
        method: 'POST',
        headers: {
          'x-function-status': String(status),
          ...(wait !== undefined && { 'retry-after': wait }),
        },
      });
    })();
    if (lane !== undefined) lane = run.catch(() => undefined);
    pending.add(run);
    await run.finally(() => pending.delete(run));
  };

  const system = async (request: IncomingMessage, response: ServerResponse) => {
    const body = String(await buffer(request));
    const name = request.url?.split('/')[3];
    const status = (it: FunctionDeployment) => ({ ...it, name: it.service, availableReplicas: 1 });
    if (request.method === 'PUT') {
      const spec: FunctionDeployment = JSON.parse(body);
      functions.set(spec.service, spec);
      return void response.writeHead(202).end();
    }
    if (request.method === 'DELETE') {
      functions.delete(JSON.parse(body).functionName);
      return void response.writeHead(202).end();
    }
    if (name === undefined) {
      return void response.end(JSON.stringify([...functions.values()].map(status)));
    }
    const found = functions.get(name);
    if (found === undefined) response.writeHead(404).end();
    else response.end(JSON.stringify(status(found)));
  };

  before(async () => {
    folder = await tempDir();
    const log = createLogger({}, () => undefined);
    const keys = { accessKey: 'access', secretKey: 'secret-key', region: 'us-east-1' };
    s3 = await createS3Server({ folder: join(folder.path, 's3'), ...keys, log });
    gateway = await listen((request, response) => {
      const [, kind, name = ''] =
        /^\/(system|async-function|function)\/([a-z-]+)/.exec(request.url ?? '') ?? [];
      if (kind === 'system') void system(request, response);
      else if (kind === 'async-function') void enqueue(name, request, response);
      else response.writeHead(200).end();
    });
    builder = await listen(async (request, response) => {
      await buffer(request);
      answerBuild(response);
    });
    repo = await gitRepo('unused');
    git = await serveGit(repo.folder);
    const secrets = {
      'payload-secret': 'payload secret',
      's3-access-key': keys.accessKey,
      's3-secret-key': keys.secretKey,
      'basic-auth-user': 'admin',
      'basic-auth-password': 'password',
    };
    await mkdir(join(folder.path, 'secrets'));
    for (const [name, value] of Object.entries(secrets)) {
      await writeFile(join(folder.path, 'secrets', name), value);
    }
    const template = join(folder.path, 'template', 'node-ts');
    await mkdir(template, { recursive: true });
    await writeFile(join(template, 'template.yml'), 'language: node-ts\n');
    Object.assign(process.env, {
      secret_mount_path: join(folder.path, 'secrets'),
      gateway_url: gateway.url,
      gateway_public_url: 'http://public.example',
      s3_url: s3.url,
      github_url: git.origin,
      push_repository_url: `127.0.0.1:${builder.port}`,
      repository_url: `127.0.0.1:${builder.port}`,
      builder_url: builder.url,
      template_folder: join(folder.path, 'template'),
      template_aliases: 'node22=node-ts',
      custom_templates: 'none',
      log_interval: '10ms',
      function_cpu_limit_milli: '250',
      max_builds: '1',
      step_attempts: '2',
    });
    for (const { init } of Object.values(steps)) await init();
    store = createS3ObjectStore({ ...keys, endpoint: s3.url, bucket: 'pipeline' });
    records = createRecords(store);
  });
  after(async () => {
    await git?.close();
    await repo?.remove();
    await builder?.close();
    await gateway?.close();
    await s3?.close();
    await folder?.remove();
    restoreEnvironment();
  });
  beforeEach(() => {
    calls.length = 0;
    functions.clear();
    queue = { refuse: () => undefined, lose: () => false };
    lane = undefined;
    answerBuild = (response) =>
      response.end('{"log":["building"]}\n{"status":"success","digest":"sha256:abc"}\n');
  });

  const stack = (...keys: string[]) =>
    `provider: { name: openfaas }\nfunctions:\n${keys.map((key) => `  ${key}: { lang: node-ts, handler: ./fn, image: ${key} }\n`).join('')}`;
  /** Records a push of these files as github-push does. */
  const begin = async (files: Record<string, string>): Promise<Deployment> => {
    const sha = await repo.commit({ ...files, 'fn/handler.ts': randomUUID() });
    const push = testPush({ sha, cloneUrl: git.url, receivedAt: Date.now(), private: false });
    const { defaultBranch: _, ...deployment } = push;
    await records.begin(deployment);
    await records.addHead(deployment);
    return deployment;
  };
  const call = (
    name: string,
    content: unknown,
    changes: { path?: string; method?: string; headers?: object } = {},
  ) => {
    const body = content === undefined ? '' : JSON.stringify(content);
    const parts = { receiver: name, method: 'POST', path: '/', body };
    const headers = changes.headers ?? { [signatureHeader]: signer.sign(parts) };
    const request = Object.assign(new PassThrough(), {
      method: changes.method ?? 'POST',
      url: changes.path ?? '/',
      headers,
    });
    request.end(body);
    const step = steps[name];
    if (step === undefined) throw new Error(`There is no step ${name}.`);
    return callStep(step, request as unknown as IncomingMessage);
  };
  const closed = (deployment: Deployment) =>
    eventually(async () => {
      const verdict = (await records.load(deployment))?.closed;
      expect(verdict).to.not.equal(undefined);
      expect(await records.isOpen(deployment)).to.equal(false);
      expect(pending.size).to.equal(0);
      return verdict;
    });

  it('bring a push live', async () => {
    const deployment = await begin({ 'stack.yml': stack('one', 'two') });
    expect((await call('buildshiprun', refOf(deployment))).status).to.equal(200);
    expect(await closed(deployment)).to.include({ state: 'live', text: '2 functions are live.' });
    expect([...functions.keys()].sort()).to.deep.equal(['alice-one', 'alice-two']);
    const one = functions.get('alice-one');
    expect(one?.image).to.match(/\/alice\/hello-one:latest-master-[0-9a-f]{7}@sha256:abc$/);
    expect(one?.limits).to.deep.equal({ memory: '128Mi', cpu: '250m' });
    expect((await records.load(deployment))?.deploys.values().next().value).to.deep.include({
      url: 'http://public.example/function/alice-one',
    });
    expect(calls).to.include.members([
      'git-tar 200',
      'of-builder 200',
      'github-status',
      'garbage-collect 200',
    ]);
  });

  it('say why a push cannot go live', async () => {
    const missing = await begin({ 'README.md': 'x', 'stack.yml': 'functions: 7\n' });
    await call('buildshiprun', refOf(missing));
    expect(await closed(missing)).to.include({ state: 'failed' });
    answerBuild = (response) => response.end('{"status":"failed","error":"exit code 1"}\n');
    const broken = await begin({ 'stack.yml': stack('one') });
    await call('buildshiprun', refOf(broken));
    expect(await closed(broken)).to.include({ state: 'failed' });
    expect(functions.size).to.equal(0);
  });

  it('build no more at once than they may: the queue is asked to come again', async () => {
    const deployment = await begin({ 'stack.yml': stack('one') });
    await call('git-tar', refOf(deployment));
    let release: () => void = () => undefined;
    const began = new Promise<void>((resolve) => {
      answerBuild = (response) => {
        release = () => void response.end('{"status":"success"}\n');
        resolve();
      };
    });
    const message = { ...refOf(deployment), function: 'one' };
    const first = call('of-builder', message);
    await began;
    expect((await call('of-builder', message)).status).to.equal(429);
    release();
    expect((await first).status).to.equal(200);
    expect((await call('of-builder', message)).status).to.equal(200);
    await records.close(deployment, { state: 'cancelled', text: 'x', at: 1 });
    await records.settle(deployment);
  });

  it('wait for a builder that is full, also if the queue does not: no try is used up', async () => {
    const other = await begin({ 'stack.yml': stack('other') });
    await call('git-tar', refOf(other));
    let release: () => void = () => undefined;
    const began = new Promise<void>((resolve) => {
      answerBuild = (response) => {
        answerBuild = (next) => void next.end('{"status":"success"}\n');
        release = () => void response.end('{"status":"success"}\n');
        resolve();
      };
    });
    const full = call('of-builder', { ...refOf(other), function: 'other' });
    await began;
    const deployment = await begin({ 'stack.yml': stack('one') });
    await call('buildshiprun', refOf(deployment));
    // As many as there are step_attempts.
    const refusals = () => calls.filter((it) => it === 'of-builder 429');
    await eventually(() => expect(refusals()).to.have.length(2), { timeoutMs: 20_000 });
    expect((await records.load(deployment))?.closed).to.equal(undefined);
    release();
    await full;
    expect(await closed(deployment)).to.include({ state: 'live' });
    await records.close(other, { state: 'cancelled', text: 'x', at: 1 });
    await records.settle(other);
  });

  describe('with a queue as OpenFaaS CE has it', () => {
    beforeEach(() => {
      lane = Promise.resolve();
    });
    /** A sweep, as the cron connector asks for it; the minute between two is not waited for. */
    const swept = async (deployment: Deployment) => {
      for (const key of await store.list('sweeps/')) await store.delete(key);
      await call('garbage-collect', undefined, { headers: {} });
      await eventually(() => expect(pending.size).to.equal(0));
      return (await records.load(deployment))?.closed;
    };

    it('go live one call after the other', async () => {
      let [running, most] = [0, 0];
      answerBuild = (response) => {
        most = Math.max(most, ++running);
        setImmediate(() => {
          running -= 1;
          response.end('{"status":"success","digest":"sha256:abc"}\n');
        });
      };
      const deployment = await begin({ 'stack.yml': stack('one', 'two', 'three') });
      await call('buildshiprun', refOf(deployment));
      expect(await closed(deployment)).to.include({ state: 'live' });
      expect(most).to.equal(1);
    });

    for (const status of [429, 500, 503]) {
      for (const name of ['git-tar', 'of-builder', 'buildshiprun', 'github-status']) {
        it(`lose nothing where it answers ${status} to a message for ${name}`, async () => {
          let refusals = 0;
          queue.refuse = (to) => {
            if (to !== name || refusals > 0) return undefined;
            refusals += 1;
            return status;
          };
          const deployment = await begin({ 'stack.yml': stack('one', 'two') });
          await call('buildshiprun', refOf(deployment));
          await eventually(() => expect(pending.size).to.equal(0));
          expect(refusals).to.equal(1);
          await swept(deployment);
          expect(await closed(deployment)).to.include({ state: 'live' });
        });
      }
    }

    for (const [name, kind] of [
      ['github-status', 'message'],
      ['buildshiprun', 'message'],
      ['garbage-collect', 'message'],
      ['git-tar', 'callback'],
      ['of-builder', 'callback'],
    ] as const) {
      it(`lose nothing where it drops a ${kind} of ${name}`, async () => {
        let dropped = 0;
        queue.lose = (of, what) => {
          if (of !== name || what !== kind || dropped > 0) return false;
          dropped += 1;
          return true;
        };
        const deployment = await begin({ 'stack.yml': stack('one') });
        await call('buildshiprun', refOf(deployment));
        await eventually(() => expect(pending.size).to.equal(0));
        expect(dropped).to.equal(1);
        await swept(deployment);
        expect(await closed(deployment)).to.include({ state: 'live' });
      });
    }

    it('never send it what it does not take: 256,000 bytes', () => {
      expect(sizes.length).to.be.above(50);
      expect(Math.max(...sizes)).to.be.below(32 * 1024);
    });
  });

  it('take a step back that failed, and only for a signed callback', async () => {
    const deployment = await begin({ 'stack.yml': stack('one') });
    const ref = refOf(deployment);
    const limits = { leaseMs: 60_000, maxAttempts: 9 };
    expect(await records.claim(ref, 'plan', limits)).to.equal('won');
    const path = (claim: string) => {
      const url = new URL(
        signedCallbackUrl(signer, gateway.url, 'buildshiprun', { ...ref, claim }),
      );
      return `/${url.search}`;
    };
    const back = (url: string, status: string) =>
      call('buildshiprun', undefined, { path: url, headers: { 'x-function-status': status } });
    expect((await back(path('plan').replace('alice', 'bob'), '500')).status).to.equal(401);
    expect((await back(path('deploy/one'), '500')).status).to.equal(400);
    expect((await back(path('build/..'), '500')).status).to.equal(422);
    expect((await back(path('plan'), '200')).status).to.equal(200);
    expect(await records.claim(ref, 'plan', limits)).to.equal('held');
    expect((await back(path('plan'), '502')).status).to.equal(200);
    expect(await closed(deployment)).to.include({ state: 'live' });
  });

  it('collect what a repo no longer has, when a signed message says so', async () => {
    const deployment = await begin({ 'stack.yml': stack('one') });
    await call('buildshiprun', refOf(deployment));
    await closed(deployment);
    const { owner, repo: name } = deployment;
    const answer = await call('garbage-collect', { owner, repo: name, functions: [] });
    expect(JSON.parse(answer.body)).to.deep.equal({ removed: ['alice-one'] });
    expect(functions.size).to.equal(0);
    await eventually(() =>
      expect(calls.filter((it) => it === 'audit-event').length).to.be.greaterThan(1),
    );
  });

  it('sweep when nobody says anything, once a minute', async () => {
    const deployment = await begin({ 'stack.yml': stack('one') });
    const asked = [];
    for (let count = 0; count < 3; count += 1) {
      asked.push((await call('garbage-collect', undefined, { headers: {} })).status);
    }
    expect(asked.filter((status) => status === 200).length).to.be.within(1, 2);
    expect(asked).to.include(429);
    expect(await closed(deployment)).to.include({ state: 'live' });
  });

  for (const name of Object.keys(steps)) {
    it(`of ${name} take signed messages only`, async () => {
      const ref = { ...refOf(testPush()), function: 'x', functions: [] };
      expect((await call(name, ref, { headers: {} })).status).to.equal(401);
      const foreign = signer.sign({
        receiver: 'echo',
        method: 'POST',
        path: '/',
        body: JSON.stringify(ref),
      });
      expect((await call(name, ref, { headers: { [signatureHeader]: foreign } })).status).to.equal(
        401,
      );
      expect((await call(name, { owner: 'alice' })).status).to.equal(400);
      if (name !== 'garbage-collect') {
        expect((await call(name, ref, { method: 'GET' })).status).to.equal(405);
        expect((await call(name, ref)).status).to.equal(404);
      }
    });
  }
});
