import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CloudError } from '#shared/errors.ts';
import type { FunctionDeployment, FunctionStatus } from '#shared/gateway/function-status.ts';
import type { GatewayClient } from '#shared/gateway/gateway-client.ts';
import { parseFunctionKey } from '#shared/names.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { beginDeployment } from '#shared/pipeline/begin-deployment.ts';
import { type Deployment, type DeploymentRef, refOf } from '#shared/pipeline/deployment.ts';
import { cloudLabel } from '#shared/pipeline/labels.ts';
import type { Messages, PushMessage } from '#shared/pipeline/messages.ts';
import { createRecords, type Records } from '#shared/pipeline/records.ts';
import { type Claimable, claimName } from '#shared/pipeline/states.ts';
import { tell } from '#shared/pipeline/tell.ts';
import { createPublicUrls } from '#shared/public-urls.ts';
import { advance } from '../../../functions/buildshiprun/advance.ts';
import { createDeploy } from '../../../functions/buildshiprun/deploy.ts';
import { collect } from '../../../functions/garbage-collect/collect.ts';
import { sweep } from '../../../functions/garbage-collect/sweep.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { testFunction, testLimits, testPush } from '../../helpers/pipeline-fixtures.ts';

/** A push as a test describes it. */
export interface ModelPush {
  readonly functions: readonly string[];
  readonly planFails: boolean;
  /** Keys of functions whose image does not build, or whose replica never gets ready. */
  readonly unbuildable: readonly string[];
  readonly unready: readonly string[];
}

/** What goes wrong while one message is handled: at the n-th call of the store or the gateway. */
export interface Fault {
  readonly at: number;
  /** Whether the call still had its effect. */
  readonly after: boolean;
  /** A crash lets nothing more of the handler happen; an error is thrown once. */
  readonly crash: boolean;
}

type Message =
  | { readonly to: 'push'; readonly push: PushMessage }
  | { readonly to: 'plan' | 'advance' | 'status'; readonly ref: DeploymentRef }
  | { readonly to: 'build'; readonly ref: DeploymentRef; readonly key: string }
  | {
      readonly to: 'callback';
      readonly ref: DeploymentRef;
      readonly claim: Claimable;
      readonly failed: boolean;
      /** Whoever should do it was busy. */
      readonly busy?: boolean;
    }
  | { readonly to: 'garbage'; readonly message: Parameters<Messages['collectGarbage']>[0] };

/** One message that is being handled. */
interface Handling {
  readonly fault: Fault | undefined;
  readonly records: Records;
  calls: number;
  dead: boolean;
}

/** A way in which the pipeline can be broken on purpose. */
export type Sabotage = 'none' | 'no superseding' | 'no claims';

export const leaseMs = 60_000;

/** The whole pipeline in one process, on a store, a queue and a gateway that a test can let fail. */
export class World {
  readonly queue: Message[] = [];
  /** Every broken promise that was seen on the way. */
  readonly violations: string[] = [];
  readonly live = new Map<string, FunctionDeployment>();
  readonly reported = new Map<string, string | undefined>();
  readonly pushes: readonly ModelPush[];
  readonly deployments: Deployment[] = [];
  #now = 1_700_000_000_000;
  readonly #handling = new AsyncLocalStorage<Handling>();
  #turns: (() => void)[] | undefined;
  /** Two processes take turns; one that crashes comes back with nothing remembered. */
  readonly #replicas: Records[];
  #attempts = 0;
  readonly #builds = new Set<string>();
  #troubled = false;
  readonly #verdicts = new Map<string, number>();
  readonly #store: ObjectStore;
  readonly #messages: Messages;
  readonly #gateway: GatewayClient;
  readonly #sabotage: Sabotage;

  constructor(pushes: readonly ModelPush[], sabotage: Sabotage) {
    this.pushes = pushes;
    this.#sabotage = sabotage;
    this.#store = this.#makeStore();
    this.#replicas = [this.#replica(), this.#replica()];
    this.#gateway = this.#makeGateway();
    this.#messages = this.#makeMessages();
  }

  /** As the process sees them that handles a message now: each remembers what it has seen. */
  get records(): Records {
    return this.#handling.getStore()?.records ?? this.#replica();
  }

  #replica(): Records {
    return createRecords(this.#store, () => this.#now);
  }

  tick(ms: number): void {
    if (ms > 1) this.#troubled = true;
    this.#now += ms;
  }

  /** The webhook of the n-th push comes. */
  push(index: number): void {
    this.tick(1);
    const sha = (n: number) => n.toString(16).padStart(40, '0');
    const changes = { sha: sha(index + 1), before: sha(index), receivedAt: this.#now };
    const push = testPush(changes);
    const { defaultBranch: _, ...deployment } = push;
    this.deployments[index] = deployment;
    this.queue.push({ to: 'push', push });
  }

  /** Takes a message out of the queue and handles it; `keep` leaves a duplicate. */
  async deliver(pick: number, fault?: Fault, keep = false): Promise<void> {
    const message = this.#take(pick, keep);
    if (message !== undefined) await this.#process(message, fault);
  }

  /** Handles two messages at the same time; `order` says whose call comes next. */
  async deliverTogether(
    picks: readonly number[],
    order: readonly number[],
    keep: boolean,
  ): Promise<void> {
    const messages = picks.flatMap((pick) => this.#take(pick, keep) ?? []);
    const turns: (() => void)[] = [];
    this.#turns = turns;
    let running = true;
    const done = Promise.all(messages.map((message) => this.#process(message, undefined))).finally(
      () => {
        running = false;
      },
    );
    for (let count = 0; running; count += 1) {
      await nextTurn();
      turns.splice((order[count % order.length] ?? 0) % Math.max(1, turns.length), 1)[0]?.();
    }
    this.#turns = undefined;
    await done;
  }

  #take(pick: number, keep: boolean): Message | undefined {
    const index = pick % Math.max(1, this.queue.length);
    const message = this.queue[index];
    if (!keep) this.queue.splice(index, 1);
    return message;
  }

  async #process(message: Message, fault: Fault | undefined): Promise<void> {
    const failed = await this.#attempt(() => this.#handle(message), fault);
    if (message.to === 'plan') {
      this.queue.push({ to: 'callback', ref: message.ref, claim: 'plan', failed });
    } else if (message.to === 'build') {
      const claim = claimName('build', parseFunctionKey(message.key));
      this.queue.push({ to: 'callback', ref: message.ref, claim, failed });
    } else if (failed) {
      this.queue.push(message);
    }
  }

  /** A build that a full builder refuses, and a queue that does not ask again by itself. */
  refuse(pick: number): void {
    const builds = this.queue.filter((message) => message.to === 'build');
    const message = builds[pick % Math.max(1, builds.length)];
    if (message === undefined) return;
    this.queue.splice(this.queue.indexOf(message), 1);
    const claim = claimName('build', parseFunctionKey(message.key));
    this.queue.push({ to: 'callback', ref: message.ref, claim, failed: true, busy: true });
  }

  /** Loses a message; of a push that is not recorded yet nothing but the queue knows. */
  drop(pick: number): void {
    const index = pick % Math.max(1, this.queue.length);
    if (this.queue[index]?.to !== 'push') this.queue.splice(index, 1);
  }

  async sweep(fault?: Fault): Promise<void> {
    const rest = { messages: this.#messages, maxAgeMs: 1e12 };
    await this.#attempt(() => sweep({ records: this.records, ...rest }, this.#now), fault);
  }

  /** Lets everything come to its end without any more trouble. False if it never does. */
  async settle(): Promise<boolean> {
    for (let round = 0; round < 60; round += 1) {
      for (let count = 0; count < 500 && this.queue.length > 0; count += 1) await this.deliver(0);
      if (this.queue.length === 0 && (await this.records.open()).length === 0) return true;
      this.tick(leaseMs);
      await this.sweep();
    }
    return false;
  }

  /** True if it failed. */
  #attempt(run: () => Promise<unknown>, fault: Fault | undefined): Promise<boolean> {
    this.#attempts += 1;
    const index = this.#attempts % this.#replicas.length;
    const records = this.#replicas[index] ?? this.#replica();
    const handling: Handling = { fault, records, calls: 0, dead: false };
    return this.#handling.run(handling, async () => {
      try {
        await run();
        return handling.dead;
      } catch (error) {
        if (!(error instanceof CloudError) || error.code !== 'OFC_UPSTREAM') throw error;
        return true;
      } finally {
        if (handling.dead) this.#replicas[index] = this.#replica();
      }
    });
  }

  /** One call of the store, the queue or the gateway. */
  async #call<T>(run: () => T | Promise<T>): Promise<T> {
    if (this.#turns !== undefined) {
      const turns = this.#turns;
      await new Promise<void>((resolve) => turns.push(resolve));
    }
    const failure = new CloudError('OFC_UPSTREAM', 'The model lets this call fail.');
    const handling = this.#handling.getStore();
    if (handling === undefined) return run();
    if (handling.dead) throw failure;
    handling.calls += 1;
    const fault = handling.fault?.at === handling.calls ? handling.fault : undefined;
    if (fault === undefined) return run();
    this.#troubled = true;
    handling.dead = fault.crash;
    if (fault.after) await run();
    throw failure;
  }

  async #handle(message: Message): Promise<void> {
    const { records } = this;
    if (message.to === 'push') {
      await beginDeployment(
        {
          records,
          messages: this.#messages,
          buildBranches: [],
          claim: { leaseMs, maxAttempts: 1000 },
          now: () => this.#now,
        },
        message.push,
      );
    } else if (message.to === 'plan') await this.#plan(message.ref);
    else if (message.to === 'build') await this.#build(message.ref, message.key);
    else if (message.to === 'advance') await this.#advance(message.ref);
    else if (message.to === 'callback') {
      if (message.busy) await records.postponeClaim(message.ref, message.claim, 1000);
      else if (message.failed) await records.releaseClaim(message.ref, message.claim);
      await this.#advance(message.ref);
    } else if (message.to === 'status') {
      const found = await records.load(message.ref);
      this.reported.set(message.ref.id, found?.closed?.state);
      if (found !== undefined) await tell(records, found, 'status');
    } else if (message.to === 'garbage') {
      const { owner, repo, of } = message.message;
      await collect(this.#gateway, records, message.message);
      if (of === undefined || repo === '*') return;
      const found = await records.load({ owner, repo, id: of.id });
      if (found !== undefined) await tell(records, found, 'garbage');
    }
  }

  #specOf(ref: DeploymentRef): ModelPush | undefined {
    return this.pushes[this.deployments.findIndex((it) => it?.id === ref.id)];
  }

  /** In the place of git-tar. */
  async #plan(ref: DeploymentRef): Promise<void> {
    const spec = this.#specOf(ref);
    const found = await this.records.load(ref);
    if (spec === undefined || found === undefined || found.plan || found.closed) return;
    const failed = { outcome: 'failed', code: 'OFC_STACK_INVALID', text: 'bad', at: 1 } as const;
    const functions = spec.functions.map((key) => testFunction(key));
    const planned = { outcome: 'planned', functions, warnings: [], at: 1 } as const;
    await this.records.recordPlan(ref, spec.planFails ? failed : { ...planned, warnings: [] });
  }

  /** In the place of of-builder. */
  async #build(ref: DeploymentRef, name: string): Promise<void> {
    const spec = this.#specOf(ref);
    const key = parseFunctionKey(name);
    const found = await this.records.load(ref);
    if (spec === undefined || found === undefined || found.builds.has(key) || found.closed) return;
    const failed = { outcome: 'failed', code: 'OFC_BUILD_FAILED', text: 'bad', at: 1 } as const;
    const image = `${ref.id}/${spec.unready.includes(name) ? 'unready' : 'ready'}`;
    const built = { outcome: 'built', image, cached: false, seconds: 1, at: 1 } as const;
    await this.records.recordBuild(ref, key, spec.unbuildable.includes(name) ? failed : built);
  }

  async #advance(ref: DeploymentRef): Promise<void> {
    const records: Records = {
      ...this.records,
      ...(this.#sabotage === 'no superseding' && { newestHead: async () => undefined }),
      ...(this.#sabotage === 'no claims' && { claim: async () => 'won' }),
    };
    const deploy = createDeploy({
      gateway: this.#gateway,
      records: this.records,
      urls: createPublicUrls({ publicUrl: 'http://gateway', prettyUrl: '' }),
      limits: testLimits,
      timeoutMs: 0,
    });
    await advance(
      {
        records,
        messages: this.#messages,
        deploy,
        isLive: async () => false,
        maxParallelBuilds: 2,
        leaseMs,
        maxAttempts: 1000,
      },
      ref,
    );
  }

  #makeStore(): ObjectStore {
    const memory = createMemoryObjectStore();
    return {
      ...memory,
      get: (key) => this.#call(() => memory.get(key)),
      put: (key, body) => this.#call(() => memory.put(key, body)),
      exists: (key) => this.#call(() => memory.exists(key)),
      // Our keys are ASCII: no need to compare bytes.
      list: (prefix) =>
        this.#call(() => [...memory.objects.keys()].filter((key) => key.startsWith(prefix)).sort()),
      delete: (key) => this.#call(() => memory.delete(key)),
      create: (key, body) =>
        this.#call(async () => {
          const created = await memory.create(key, body);
          if (created && key.endsWith('/closed.json')) this.#countVerdict(key);
          return created;
        }),
    };
  }

  #countVerdict(key: string): void {
    const count = (this.#verdicts.get(key) ?? 0) + 1;
    this.#verdicts.set(key, count);
    if (count > 1) this.violations.push(`${key} was written ${count} times`);
  }

  /** Where nothing goes wrong and no time passes, nothing is built twice. */
  #countBuild(name: string): void {
    if (this.#troubled) return;
    if (this.#builds.has(name)) this.violations.push(`${name} was built twice`);
    this.#builds.add(name);
  }

  #makeMessages(): Messages {
    const send = (message: Message) => this.#call(() => void this.queue.push(message));
    return {
      pushed: (push) => send({ to: 'push', push }),
      plan: (ref) => send({ to: 'plan', ref: refOf(ref) }),
      build: (ref, key) => {
        this.#countBuild(`${key} of ${ref.id}`);
        return send({ to: 'build', ref: refOf(ref), key });
      },
      advance: (ref) => send({ to: 'advance', ref: refOf(ref) }),
      status: (ref) => send({ to: 'status', ref: refOf(ref) }),
      collectGarbage: (message) => send({ to: 'garbage', message }),
      pruneSecrets: async () => undefined,
      audit: async () => undefined,
      deliverNotices: async () => undefined,
    };
  }

  #makeGateway(): GatewayClient {
    const statusOf = (name: string): FunctionStatus | undefined => {
      const spec = this.live.get(name);
      if (spec === undefined) return undefined;
      const ready = !spec.image.endsWith('/unready');
      return {
        name,
        image: spec.image,
        labels: { ...spec.labels },
        replicas: 1,
        availableReplicas: ready ? 1 : 0,
        invocationCount: 0,
        ...(ready ? {} : { failure: 'it died' }),
      };
    };
    return {
      list: () => this.#call(() => [...this.live.keys()].flatMap((name) => statusOf(name) ?? [])),
      get: (name) => this.#call(() => statusOf(name)),
      deploy: (spec) =>
        this.#call(() => {
          this.#checkOrder(spec);
          this.live.set(spec.service, spec);
        }),
      remove: (name) => this.#call(() => void this.live.delete(name)),
      // It changes nothing, and a failure only makes the roll-out wait.
      invoke: async () => ({ status: 200, headers: {}, body: Buffer.alloc(0) }),
      invokeAsync: () => Promise.reject(new Error('messages go another way here')),
    };
  }

  /** An older push must not replace a newer one that works; one that does not is put back. */
  #checkOrder(spec: FunctionDeployment): void {
    const orderOf = (it: FunctionDeployment) =>
      this.deployments.findIndex((known) => known?.id === it.labels[cloudLabel.deployment]);
    const before = this.live.get(spec.service);
    if (before === undefined || before.image.endsWith('/unready')) return;
    if (orderOf(before) > orderOf(spec)) {
      this.violations.push(
        `push ${orderOf(spec)} replaced push ${orderOf(before)} of ${spec.service}`,
      );
    }
  }
}
