import { createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { deadline } from '#shared/deadline.ts';
import { errorMessage } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { Json } from './github-shapes.ts';
import { createKeyedLock } from './keyed-lock.ts';
import { openRecordStore } from './record-store.ts';

/** One try to hand a webhook over. */
export interface Attempt {
  readonly at: string;
  readonly durationMs: number;
  /** The receiver's answer; 0 if there was none. */
  readonly statusCode: number;
  /** The beginning of the receiver's answer, or why there was none. */
  readonly text: string;
}

/** One webhook. */
export interface Delivery {
  readonly id: number;
  /** `X-GitHub-Delivery`: the same for every attempt. */
  readonly guid: string;
  readonly event: string;
  readonly action: string | null;
  readonly createdAt: string;
  /** The exact text that is sent and signed. */
  readonly body: string;
  readonly state: 'pending' | 'delivered' | 'failed';
  readonly attempts: readonly Attempt[];
}

/** Webhooks, recorded before they are sent. */
export interface Deliveries {
  /**
   * Records a webhook and starts to send it; resolves when it is recorded, not when it arrived.
   *
   * @param group Deliveries of one group are sent one after the other, in order.
   */
  record(group: string, webhook: { guid: string; event: string; payload: Json }): Promise<void>;
  /** A group's newest deliveries, newest first. */
  list(group: string): Promise<Delivery[]>;
  /** Sends one again, under its old id. */
  redeliver(group: string, id: number): Promise<void>;
  /** Sends what an earlier process left unsent. */
  resume(): Promise<void>;
  close(): Promise<void>;
}

interface DeliveriesOptions {
  readonly folder: string;
  readonly url: () => string;
  readonly secret: string;
  readonly hostHeader: string | undefined;
  readonly appId: number;
  readonly log: Logger;
}

/** GitHub tries once. Here a receiver that is just starting, or was killed, gets half a minute more. */
const pausesMs = [200, 400, 800, 1600, 3200, 6400, 12_800];
/** GitHub gives a receiver this long. */
const timeoutMs = 10_000;
const keptPerGroup = 50;
const keptText = 2000;

/** Opens the deliveries in `folder`; each is a file, removed when {@link keptPerGroup} newer ones exist. */
export function openDeliveries(options: DeliveriesOptions): Deliveries {
  const { log } = options;
  const store = openRecordStore<Delivery>(options.folder);
  const inOrder = createKeyedLock();
  const stop = new AbortController();
  const running = new Set<Promise<void>>();

  const attempt = async (delivery: Delivery): Promise<Attempt> => {
    const started = performance.now();
    const at = new Date().toISOString();
    const done = (statusCode: number, text: string): Attempt => ({
      at,
      durationMs: Math.round(performance.now() - started),
      statusCode,
      text: text.slice(0, keptText),
    });
    const { signal, clear } = deadline(timeoutMs, stop.signal);
    try {
      const response = await request(options.url(), {
        method: 'POST',
        headers: headersOf(delivery, options),
        body: delivery.body,
        signal,
      });
      return done(response.statusCode, await response.body.text());
    } catch (error) {
      return done(0, errorMessage(error));
    } finally {
      clear();
    }
  };

  const send = async (id: number): Promise<void> => {
    for (const pause of [...pausesMs, undefined]) {
      const delivery = await store.get(id);
      if (delivery === undefined || stop.signal.aborted) return;
      const tried = await attempt(delivery);
      if (stop.signal.aborted) return;
      const again = pause !== undefined && (tried.statusCode === 0 || tried.statusCode >= 500);
      const delivered = tried.statusCode >= 200 && tried.statusCode < 300;
      const state = delivered ? 'delivered' : again ? 'pending' : 'failed';
      await store.update(id, (old) => ({
        ...old,
        state,
        attempts: [...old.attempts, tried].slice(-20),
      }));
      if (!delivered) {
        log.warn('A webhook was not accepted.', {
          delivery: delivery.guid,
          status: tried.statusCode,
          again,
        });
      }
      if (!again) return;
      await delay(pause, undefined, { signal: stop.signal });
    }
  };

  const enqueue = (group: string, id: number): void => {
    const task = inOrder(group, () => send(id).then(() => prune(group)))
      .catch((error: unknown) => {
        if (!stop.signal.aborted)
          log.error('A webhook could not be sent.', { error: errorMessage(error) });
      })
      .finally(() => running.delete(task));
    running.add(task);
  };

  const prune = async (group: string): Promise<void> => {
    const settled = (await store.list(group)).filter(({ state }) => state !== 'pending');
    await Promise.all(settled.slice(0, -keptPerGroup).map(({ id }) => store.remove(id)));
  };

  return {
    record: async (group, { guid, event, payload }) => {
      const { id } = await store.create(group, (newId) => ({
        id: newId,
        guid,
        event,
        action: typeof payload['action'] === 'string' ? payload['action'] : null,
        createdAt: new Date().toISOString(),
        body: JSON.stringify(payload),
        state: 'pending',
        attempts: [],
      }));
      enqueue(group, id);
    },
    list: async (group) => (await store.list(group)).reverse(),
    redeliver: async (group, id) => {
      await store.update(id, (old) => ({ ...old, state: 'pending' }));
      enqueue(group, id);
    },
    resume: async () => {
      for (const group of store.groups()) {
        const pending = (await store.list(group)).filter(({ state }) => state === 'pending');
        for (const { id } of pending) enqueue(group, id);
      }
    },
    close: async () => {
      stop.abort();
      await Promise.all(running);
    },
  };
}

/** @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers */
function headersOf(delivery: Delivery, options: DeliveriesOptions): Record<string, string> {
  const sign = (algorithm: 'sha1' | 'sha256'): string =>
    `${algorithm}=${createHmac(algorithm, options.secret).update(delivery.body).digest('hex')}`;
  return {
    accept: '*/*',
    'content-type': 'application/json',
    'user-agent': 'GitHub-Hookshot/local',
    'x-github-delivery': delivery.guid,
    'x-github-event': delivery.event,
    'x-github-hook-id': '1',
    'x-github-hook-installation-target-id': String(options.appId),
    'x-github-hook-installation-target-type': 'integration',
    'x-hub-signature': sign('sha1'),
    'x-hub-signature-256': sign('sha256'),
    ...(options.hostHeader === undefined ? {} : { host: options.hostHeader }),
  };
}
