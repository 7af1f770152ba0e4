import { randomBytes } from 'node:crypto';
import { Agent } from 'undici';
import { CloudError, errorMessage } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { headerValue } from '../http/raw-headers.ts';
import { callbackFor, localMessage, postCallback } from './callback.ts';
import { createDeadLetters, type DeadLetters } from './dead-letters.ts';
import { createLanes } from './lanes.ts';
import type { Entry, FunctionAnswer, Message, Work } from './message.ts';
import { openQueueStore } from './queue-store.ts';
import { defaultRetryPolicy, type RetryPolicy, retryDelay } from './retry-policy.ts';
import { createTimeLimit, timedOut } from './time-limit.ts';

interface QueueOptions {
  readonly folder: string;
  /** Calls the function. A failure to reach it is an answer (502, 503), not an exception. */
  readonly invoke: (message: Message, signal: AbortSignal) => Promise<FunctionAnswer>;
  readonly log: Logger;
  /** When a function's calls are tried again; the default for all if absent. */
  readonly retryPolicy?: (functionName: string) => RetryPolicy;
  /** Whether a callback URL belongs to this gateway; its calls skip the network. */
  readonly isLocal?: (url: URL) => boolean;
  /** Calls at a time: of all functions (32) and of one (8). */
  readonly concurrency?: { readonly total: number; readonly perFunction: number };
  /** How long one try may take: 15 minutes. */
  readonly executionTimeoutMs?: number;
}

/** Numbers for the operator. */
export interface QueueStats {
  /** Ready, or waiting for their next try. */
  readonly depth: number;
  readonly running: number;
  readonly dead: number;
  /** How long ago the oldest that is not done was taken; `null` if there is none. */
  readonly oldestMs: number | null;
}

/** A durable queue of function calls: at least once, in no strict order. */
export interface Queue {
  /** Takes a message. Resolves when it has been flushed to disk, and only then may it be acknowledged. */
  enqueue(message: Message): Promise<void>;
  stats(): QueueStats;
  readonly deadLetters: DeadLetters;
  /** Begins to deliver, with what an earlier run left. */
  start(): void;
  /** Takes nothing new, waits for what runs, up to `graceMs`; the rest is delivered after the next start. */
  close(graceMs?: number): Promise<void>;
}

/** What a try came to. */
interface Outcome {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly policy: RetryPolicy;
  /** What follows once there is no further try. */
  readonly next?: Work | undefined;
}

/** Opens the queue in `folder`. Nothing is delivered before {@link Queue.start}. */
export async function createQueue(options: QueueOptions): Promise<Queue> {
  const { log, isLocal = () => false } = options;
  const limits = options.concurrency ?? { total: 32, perFunction: 8 };
  const lanes = createLanes({ total: limits.total, perLane: limits.perFunction });
  const store = await openQueueStore(options.folder);
  const dispatcher = new Agent({ headersTimeout: 30_000, bodyTimeout: 30_000 });
  const limit = createTimeLimit(options.executionTimeoutMs ?? 15 * 60_000);
  const delayed = new Map<string, NodeJS.Timeout>();
  const fresh = new Map<string, Entry>();
  const runs = new Set<Promise<void>>();
  const writes = new Set<Promise<void>>();
  let delivering = false;
  let open = true;

  const schedule = (entry: Entry): void => {
    if (!open) return;
    const wait = entry.notBefore - Date.now();
    if (wait > 0) {
      const due = () => {
        delayed.delete(entry.id);
        lanes.add(laneOf(entry.work), entry.id);
        pump();
      };
      delayed.set(entry.id, setTimeout(due, wait));
      return;
    }
    lanes.add(laneOf(entry.work), entry.id);
    pump();
  };

  /**
   * Delivers an entry while it is being flushed, from memory: the disk adds nothing to the time a
   * message takes. Should the machine stop before the flush, what was delivered had not been
   * acknowledged, or comes again.
   */
  const keep = async (entry: Entry, write: Promise<void>): Promise<void> => {
    fresh.set(entry.id, entry);
    writes.add(write);
    schedule(entry);
    try {
      await write;
    } finally {
      writes.delete(write);
      if (fresh.get(entry.id) === entry) fresh.delete(entry.id);
    }
  };

  const pump = (): void => {
    while (delivering) {
      const next = lanes.take();
      if (next === undefined) return;
      const run = deliver(next.id).finally(() => {
        runs.delete(run);
        lanes.done(next.lane);
        pump();
      });
      runs.add(run);
    }
  };

  const deliver = async (id: string): Promise<void> => {
    const entry = fresh.get(id) ?? store.get(id);
    if (entry === undefined) return;
    try {
      await conclude(entry, await attempt(entry.work));
    } catch (error) {
      if (limit.aborted) return;
      // The disk refused: the entry is still there, so it is tried again, later.
      log.error('a queue entry could not be processed', { id, error: errorMessage(error) });
      schedule({ ...entry, notBefore: Date.now() + defaultRetryPolicy.maxWaitMs });
    }
  };

  const attempt = async (work: Work): Promise<Outcome> => {
    if (work.kind === 'callback') {
      const { callback } = work;
      const said = await limit
        .run((signal) => postCallback(callback, dispatcher, signal))
        .catch((): typeof timedOut => timedOut);
      return { ...(said === timedOut ? noCallbackAnswer : said), policy: defaultRetryPolicy };
    }
    const { message } = work;
    const start = performance.now();
    const given = await limit.run((signal) => options.invoke(message, signal));
    const answer = given === timedOut ? noAnswer : given;
    const seconds = (performance.now() - start) / 1000;
    return {
      status: answer.status,
      retryAfter: headerValue(answer.headers, 'retry-after'),
      policy: options.retryPolicy?.(message.function) ?? defaultRetryPolicy,
      next:
        message.callbackUrl === undefined
          ? undefined
          : callbackWork(message, message.callbackUrl, answer, seconds),
    };
  };

  const callbackWork = (
    message: Message,
    url: string,
    answer: FunctionAnswer,
    seconds: number,
  ): Work => {
    const callback = callbackFor(message, url, answer, seconds);
    const local = localMessage(callback, isLocal);
    return local === undefined
      ? { kind: 'callback', callback }
      : { kind: 'invoke', message: local };
  };

  const conclude = async (entry: Entry, outcome: Outcome): Promise<void> => {
    // Stopped in the middle: the entry stays as it was and is delivered after the next start.
    if (limit.aborted) return;
    const { status, policy } = outcome;
    const attempts = entry.attempts + 1;
    const failed = policy.codes.has(status);
    if (failed && attempts < policy.attempts) {
      const notBefore = Date.now() + retryDelay(policy, attempts, outcome.retryAfter);
      const again = { ...entry, attempts, notBefore };
      return keep(again, store.put(again));
    }
    const next = outcome.next === undefined ? undefined : newEntry(outcome.next);
    const reason = `status ${status} after ${attempts} attempts`;
    const dead = failed
      ? { ...entry, attempts, reason, failedAt: new Date().toISOString() }
      : undefined;
    if (dead !== undefined) log.warn('a queue entry was given up', { ...describe(entry), reason });
    const finished = store.finish(entry.id, { next, dead });
    await (next === undefined ? finished : keep(next, finished));
  };

  return {
    async enqueue(message) {
      if (!open) throw new CloudError('OFC_BUSY', 'The queue is closed.');
      const entry = newEntry({ kind: 'invoke', message });
      await keep(entry, store.put(entry));
    },
    stats: () => ({
      depth: lanes.waiting() + delayed.size,
      running: lanes.running(),
      dead: store.deadCount(),
      oldestMs: ageOf(store.all()),
    }),
    deadLetters: createDeadLetters(store, schedule),
    start() {
      for (const entry of store.all()) schedule(entry);
      delivering = true;
      pump();
    },
    async close(graceMs = 10_000) {
      open = false;
      delivering = false;
      for (const timer of delayed.values()) clearTimeout(timer);
      const grace = setTimeout(() => limit.abort(), graceMs);
      await Promise.allSettled([...runs, ...writes]);
      clearTimeout(grace);
      await dispatcher.destroy();
      await store.close();
    },
  };
}

const noCallbackAnswer = { status: 502, retryAfter: undefined };
const noAnswer: FunctionAnswer = { status: 504, headers: [], body: new Uint8Array() };

let sequence = 0;

/** Ids sort by time, so that a restart delivers what waited longest first. */
function newEntry(work: Work): Entry {
  sequence = (sequence + 1) % 36 ** 4;
  const time = Date.now().toString(36).padStart(9, '0');
  const id = `${time}${sequence.toString(36).padStart(4, '0')}${randomBytes(4).toString('hex')}`;
  return { id, work, attempts: 0, notBefore: 0 };
}

/** The time stands in front of the ids; the first one is the oldest. */
function ageOf(entries: Iterable<Entry>): number | null {
  for (const { id } of entries) return Date.now() - Number.parseInt(id.slice(0, 9), 36);
  return null;
}

function laneOf(work: Work): string {
  return work.kind === 'invoke'
    ? work.message.function
    : `callback ${new URL(work.callback.url).origin}`;
}

function describe({ id, work }: Entry) {
  const about = work.kind === 'invoke' ? work.message : work.callback;
  return { id, kind: work.kind, function: about.function, callId: about.callId };
}
