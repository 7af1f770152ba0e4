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
import { createSigner, signatureHeader } from '#shared/messages/signature.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import { createRecords, type Records } from '#shared/pipeline/records.ts';
import { tell } from '#shared/pipeline/tell.ts';
import * as buildshiprun from '../../../functions/buildshiprun/handler.ts';
import * as garbageCollect from '../../../functions/garbage-collect/handler.ts';
import * as gitTar from '../../../functions/git-tar/handler.ts';
import * as ofBuilder from '../../../functions/of-builder/handler.ts';
import { createS3Server, type S3Server } from '../../../local/object-store/s3-server.ts';
import { callHandler } from '../../helpers/call-handler.ts';
import { callRawHandler } from '../../helpers/call-raw-handler.ts';
import { eventually } from '../../helpers/eventually.ts';
import { type GitHttpServer, serveGit } from '../../helpers/git-http-server.ts';
import { type GitRepo, gitRepo } from '../../helpers/git-repo.ts';
import { send } from '../../helpers/http-client.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

type Classic = (event: FunctionEvent, context: FunctionContext) => Promise<unknown>;
/** A handler's module. */
export type Step = { init: () => unknown } & ({ default: Classic } | { raw: RawHandler });
/** The handlers, each as the queue calls it. */
export const steps: Record<string, Step> = {
  'git-tar': gitTar,
  buildshiprun,
  'of-builder': ofBuilder,
  'garbage-collect': garbageCollect,
};
const callStep = (step: Step, request: IncomingMessage) =>
  'raw' in step ? callRawHandler(step.raw, request) : callHandler(step.default, request);
/** Does something with other variables in this process. */
export async function withEnvironment(
  changes: Readonly<Record<string, string>>,
  work: () => Promise<void>,
): Promise<void> {
  const before = { ...process.env };
  Object.assign(process.env, changes);
  try {
    await work();
  } finally {
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

/** Signs as the platform's functions do. */
export const signer = createSigner({ current: 'payload secret' });

/** A stack file of these functions. */
export const stack = (...keys: string[]) =>
  `provider: { name: openfaas }\nfunctions:\n${keys.map((key) => `  ${key}: { lang: node-ts, handler: ./fn, image: ${key} }\n`).join('')}`;

interface DeploymentWorld {
  answerBuild: (response: ServerResponse) => void;
  /** What the queue does with a message, or with the callback after a call. */
  queue: {
    /** The status of a refusal. */
    refuse: (name: string) => number | undefined;
    lose: (name: string, kind: 'message' | 'callback') => boolean;
  };
  /** As OpenFaaS CE's queue has one. */
  lane: Promise<unknown> | undefined;
}

/**
 * All that handlers of a deployment need: a store, a gateway with its queue, a builder and a git server. A handler
 * reads its configuration once in a process, so all suites share them. The functions that are deployed, what was
 * called and what the queue does begin anew with each test.
 */
export function deploymentStage() {
  before(async () => {
    started ??= shared.start();
    await started;
  });
  beforeEach(shared.reset);
  return shared.stage;
}

const shared = prepare();
let started: Promise<void> | undefined;

// Mocha's root hook: it runs once, after all files.
after(async () => {
  if (started !== undefined) await shared.stop();
});

function prepare() {
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
  /** What a test changes. */
  const world: DeploymentWorld = {
    answerBuild: () => undefined,
    queue: { refuse: () => undefined, lose: () => false },
    lane: undefined,
  };
  const pending = new Set<Promise<void>>();

  const sizes: number[] = [];

  /** As the queue of a gateway: takes the message, calls the function once, posts the answer on once. */
  const enqueue = async (name: string, request: IncomingMessage, response: ServerResponse) => {
    const body = await buffer(request);
    sizes.push(body.length);
    const refused = world.queue.refuse(name);
    response.writeHead(refused ?? 202).end();
    if (refused !== undefined || world.queue.lose(name, 'message')) return;
    const { 'x-callback-url': callback, ...headers } = request.headers;
    // The function sees what follows its name.
    const url = `/?${request.url?.split('?')[1] ?? ''}`;
    const copy = Object.assign(new PassThrough(), { method: 'POST', url, headers });
    copy.end(body);
    const turn = world.lane;
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
      if (typeof callback !== 'string' || world.queue.lose(name, 'callback')) return;
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
    if (world.lane !== undefined) world.lane = run.catch(() => undefined);
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

  const start = async () => {
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
      world.answerBuild(response);
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
    const environment = {
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
    };
    await withEnvironment(environment, async () => {
      for (const { init } of Object.values(steps)) await init();
    });
    store = createS3ObjectStore({ ...keys, endpoint: s3.url, bucket: 'pipeline' });
    records = createRecords(store);
  };
  const stop = async () => {
    await git?.close();
    await repo?.remove();
    await builder?.close();
    await gateway?.close();
    await s3?.close();
    await folder?.remove();
  };
  const reset = () => {
    calls.length = 0;
    functions.clear();
    world.queue = { refuse: () => undefined, lose: () => false };
    world.lane = undefined;
    world.answerBuild = (response) =>
      response.end('{"log":["building"]}\n{"status":"success","digest":"sha256:abc"}\n');
  };

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
  /** The next sweep may begin, though the minute is not over. */
  const forgetSweeps = async () => {
    for (const key of await store.list('sweeps/')) await store.delete(key);
  };
  const closed = (deployment: Deployment) =>
    eventually(async () => {
      const verdict = (await records.load(deployment))?.closed;
      expect(verdict).to.not.equal(undefined);
      expect(await records.isOpen(deployment)).to.equal(false);
      expect(pending.size).to.equal(0);
      return verdict;
    });

  const stage = Object.assign(world, {
    functions,
    calls,
    sizes,
    pending,
    begin,
    call,
    closed,
    forgetSweeps,
    records: () => records,
    gateway: () => gateway,
  });
  return { stage, start, stop, reset };
}
