import type { ObjectStore } from '#shared/object-store/object-store.ts';
import type { Messages } from '#shared/pipeline/messages.ts';
import type { Records } from '#shared/pipeline/records.ts';

/** What a sweep works with. */
export interface Sweeping {
  readonly records: Records;
  readonly store: ObjectStore;
  readonly messages: Messages;
  /** A deployment that is open for longer is closed as failed. */
  readonly maxAgeMs: number;
}

/** How a sweep went. */
export interface SweepResult {
  readonly open: number;
  readonly closed: number;
}

/**
 * Takes every open deployment up again: each is nudged, and those at it too long are closed with a
 * reason. Whatever was lost, a message or a whole function, this repairs.
 */
export async function sweep(
  { records, messages, maxAgeMs }: Sweeping,
  now: number,
): Promise<SweepResult> {
  const open = await records.open();
  let closed = 0;
  for (const ref of open) {
    const found = await records.load(ref);
    if (found === undefined) {
      await records.settle(ref);
      continue;
    }
    const age = now - found.deployment.receivedAt;
    if (age > maxAgeMs && found.closed === undefined) {
      const minutes = Math.round(age / 60_000);
      const text = `Nothing came to an end in ${minutes} minutes. Push again or redeliver the webhook.`;
      if (await records.close(ref, { state: 'failed', text, at: now })) closed += 1;
    }
    await messages.advance(ref);
  }
  return { open: open.length, closed };
}

/**
 * Whether a sweep may start now: at most one a minute, whoever asks. Cron triggers are not signed, so
 * anybody in the cluster can ask.
 */
export async function mayStart(store: ObjectStore, now: number): Promise<boolean> {
  const minute = Math.floor(now / 60_000);
  const [created] = await Promise.all([
    store.create(`sweeps/${minute}`, ''),
    store.delete(`sweeps/${minute - 2}`),
  ]);
  return created;
}
