import { CloudError, errorMessage } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import {
  maxReplicas,
  memoryLimit,
  processKey,
  replicasWhenUp,
  scalesToZero,
} from './function-settings.ts';
import type { FunctionLogFile } from './log-store.ts';
import { newMember, type PoolMember, type Replica, type ReplicaPlan } from './pool-member.ts';
import type { FunctionSpec, FunctionStatus, Lease } from './provider.ts';
import { createWaitingRoom } from './waiting-room.ts';

/** What tells images apart. */
export interface PoolImage {
  readonly digest: string;
}

interface PoolOptions<Image> {
  readonly start: (plan: ReplicaPlan<Image>) => Promise<Replica>;
  readonly logFile: FunctionLogFile;
  readonly log: Logger;
  readonly idleMs: number;
  readonly drainMs: number;
  readonly memoryBytes: number;
}

const stableMs = 10_000;
const maxBackOffMs = 30_000;
// A caller rather waits this long for the next try of a crashing function than gets an error.
const patienceMs = 1000;

/** The replicas of one function: starts, routes, rolls over, drains and stops them. */
export class FunctionPool<Image extends PoolImage> {
  spec: FunctionSpec;
  image: Image;
  readonly #options: PoolOptions<Image>;
  readonly #members = new Set<PoolMember>();
  readonly #waiting = createWaitingRoom<Lease>();
  /** Ready replicas that get requests: the current generation's, or else the one before. */
  #routable: PoolMember[] = [];
  #next = 0;
  #generation = 1;
  #wanted = 0;
  #lastUsed = Date.now();
  #failures = 0;
  #failure: string | undefined;
  #retryAt = 0;
  #retryTimer: NodeJS.Timeout | undefined;

  constructor(spec: FunctionSpec, image: Image, options: PoolOptions<Image>) {
    this.spec = spec;
    this.image = image;
    this.#options = options;
  }

  /**
   * Takes a new spec; starts new replicas only if they would differ.
   *
   * @param start Bring it up; otherwise one that is stopped stays so until it is called.
   */
  update(spec: FunctionSpec, image: Image, start: boolean): void {
    const same = processKey(this.spec, this.image.digest) === processKey(spec, image.digest);
    this.spec = spec;
    this.image = image;
    if (!same) {
      this.#generation += 1;
      for (const member of this.#members) if (member.state === 'starting') this.#retire(member);
    }
    if (start) this.up();
    else if (!same) this.retry();
  }

  /** Brings the function up, and tries again at once if it was crashing. */
  up(): void {
    this.#forgive();
    this.scale(Math.max(this.#wanted, replicasWhenUp(this.spec)));
  }

  /** What kept replicas from starting is over: tries at once what is wanted. */
  retry(): void {
    this.#forgive();
    this.#reconcile();
  }

  scale(replicas: number): void {
    this.#wanted = Math.min(Math.max(0, Math.trunc(replicas)), maxReplicas);
    this.#lastUsed = Date.now();
    this.#reconcile();
  }

  status(): FunctionStatus {
    const current = this.#current();
    const status: FunctionStatus = {
      replicas: this.#wanted,
      availableReplicas: current.filter((member) => member.state === 'ready').length,
    };
    if (this.#failure !== undefined) status.failure = this.#failure;
    if (this.#members.size > 0) {
      const usage = { cpu: 0, totalMemoryBytes: 0 };
      for (const member of this.#members) {
        usage.cpu += member.replica?.usage.milliCores ?? 0;
        usage.totalMemoryBytes += member.replica?.usage.bytes ?? 0;
      }
      status.usage = usage;
    }
    return status;
  }

  acquire(signal?: AbortSignal): Promise<Lease> {
    const member = this.#pick();
    return member === undefined ? this.#wait(signal) : Promise.resolve(this.#lease(member));
  }

  /** Called about once a second: stops what is idle. */
  tick(): void {
    let busy = this.#waiting.size > 0;
    for (const member of this.#members) busy ||= member.inFlight > 0;
    const idle = !busy && Date.now() - this.#lastUsed > this.#options.idleMs;
    if (idle && this.#wanted > 0 && scalesToZero(this.spec)) {
      this.#wanted = 0;
      this.#reconcile();
    }
  }

  /**
   * Drains and stops everything; nothing starts any more.
   *
   * @param atOnce Nobody can call it any more: what is idle ends at once.
   */
  async stop(drainMs = this.#options.drainMs, atOnce = false): Promise<void> {
    this.#wanted = 0;
    clearTimeout(this.#retryTimer);
    this.#waiting.rejectAll(new CloudError('OFC_NOT_FOUND', `${this.spec.service} was removed.`));
    const members = [...this.#members];
    for (const member of members) this.#drain(member, drainMs, atOnce);
    await Promise.all(members.map((member) => member.done));
  }

  #forgive(): void {
    this.#failures = 0;
    this.#failure = undefined;
    this.#retryAt = 0;
  }

  #current(): PoolMember[] {
    return [...this.#members].filter(
      (member) => member.generation === this.#generation && member.state !== 'draining',
    );
  }

  #pick(): PoolMember | undefined {
    const routable = this.#routable;
    if (routable.length < 2) return routable[0];
    this.#next += 1;
    let best: PoolMember | undefined;
    for (let i = 0; i < routable.length; i += 1) {
      const member = routable[(this.#next + i) % routable.length];
      if (member && (best === undefined || member.inFlight < best.inFlight)) best = member;
    }
    return best;
  }

  #lease(member: PoolMember): Lease {
    member.inFlight += 1;
    let held = true;
    return {
      endpoint: member.endpoint,
      release: () => {
        if (!held) return;
        held = false;
        member.inFlight -= 1;
        this.#lastUsed = Date.now();
        if (member.inFlight === 0 && member.state === 'draining') void member.replica?.stop();
      },
    };
  }

  #wait(signal: AbortSignal | undefined): Promise<Lease> {
    if (this.#retryAt - Date.now() > patienceMs) return Promise.reject(this.#notStarted());
    const turn = this.#waiting.wait(signal);
    if (this.#wanted === 0) this.scale(replicasWhenUp(this.spec));
    return turn;
  }

  /** Moves towards what is wanted. Safe to call at any time. */
  #reconcile(): void {
    const current = this.#current();
    const ready = current.filter((member) => member.state === 'ready');
    // New ones first: the old generation serves until then.
    if (ready.length >= this.#wanted) {
      for (const member of this.#members) {
        if (member.generation !== this.#generation) this.#retire(member);
      }
    }
    const spare = [...current].sort((a, b) => a.readyAt - b.readyAt);
    for (const member of spare.slice(0, Math.max(0, current.length - this.#wanted))) {
      this.#retire(member);
    }
    this.#route();
    const missing = this.#wanted - current.length;
    if (missing <= 0) return;
    clearTimeout(this.#retryTimer);
    const pause = this.#retryAt - Date.now();
    if (pause > 0) this.#retryTimer = setTimeout(() => this.#reconcile(), pause);
    else for (let i = 0; i < missing; i += 1) this.#start();
  }

  #route(): void {
    const ready = [...this.#members].filter((member) => member.state === 'ready');
    const current = ready.filter((member) => member.generation === this.#generation);
    this.#routable = current.length > 0 ? current : ready;
    this.#waiting.serve(() => {
      const member = this.#pick();
      return member && this.#lease(member);
    });
  }

  #start(): void {
    const member = newMember(this.#generation);
    const { start, memoryBytes } = this.#options;
    const { spec, image } = this;
    this.#members.add(member);
    const plan = {
      spec,
      image,
      memoryBytes: memoryLimit(spec, memoryBytes),
      onLine: (instance: string, text: string) => this.#writeLog(instance, text),
    };
    member.done = start(plan)
      .then((replica) => {
        member.replica = replica;
        if (member.state === 'draining') void replica.stop();
        else void replica.ready.then((ready) => ready && this.#onReady(member));
        return replica.ended;
      }, errorMessage)
      .then((reason) => this.#onEnded(member, reason));
  }

  #onReady(member: PoolMember): void {
    if (member.state !== 'starting' || member.replica === undefined) return;
    member.state = 'ready';
    member.readyAt = Date.now();
    member.endpoint = member.replica.endpoint;
    this.#failure = undefined;
    this.#reconcile();
  }

  #onEnded(member: PoolMember, reason: string): void {
    this.#members.delete(member);
    if (member.state === 'draining' || member.generation !== this.#generation) {
      this.#reconcile();
      return;
    }
    const stable = member.readyAt > 0 && Date.now() - member.readyAt > stableMs;
    this.#failures = stable ? 1 : this.#failures + 1;
    this.#failure = reason;
    // The first restart is immediate, then 0.5 s, 1 s, 2 s …
    const pause = this.#failures < 2 ? 0 : Math.min(maxBackOffMs, 250 * 2 ** (this.#failures - 1));
    this.#retryAt = Date.now() + pause;
    // The rest of the reason is what it wrote itself.
    this.#writeLog(member.replica?.instance ?? this.spec.service, reason.split('\n', 1).join());
    this.#options.log.warn('A replica ended.', { function: this.spec.service, reason });
    if (member.readyAt === 0 && this.#current().length === 0) {
      this.#waiting.rejectAll(this.#notStarted());
    }
    this.#reconcile();
  }

  #retire(member: PoolMember): void {
    if (member.state !== 'draining') this.#drain(member, this.#options.drainMs);
  }

  /** No new requests; stops it when the running ones have ended or `drainMs` are over. */
  #drain(member: PoolMember, drainMs: number, atOnce = false): void {
    member.state = 'draining';
    this.#route();
    if (member.inFlight === 0) void member.replica?.stop(atOnce);
    else setTimeout(() => void member.replica?.stop(), drainMs).unref();
  }

  #writeLog(instance: string, text: string): void {
    const { service: name, namespace } = this.spec;
    const timestamp = new Date().toISOString();
    this.#options.logFile.append({ name, namespace, instance, timestamp, text });
  }

  #notStarted(): CloudError {
    return new CloudError('OFC_UPSTREAM', `The function ${this.spec.service} does not start.`, {
      hint: `See "faas-cli logs ${this.spec.service}".`,
    });
  }
}
