import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { type DeploymentRef, receivedAt } from '#shared/pipeline/deployment.ts';
import type { Messages } from '#shared/pipeline/messages.ts';
import type { Records } from '#shared/pipeline/records.ts';

/** What a sweep works with. */
export interface Sweeping {
  readonly records: Records;
  readonly messages: Messages;
  /** A deployment that is open for longer is closed as failed. */
  readonly maxAgeMs: number;
}

/** How a sweep went. */
export interface SweepResult {
  readonly open: number;
  readonly closed: number;
  /** When the deployments without a verdict were received, in milliseconds since 1970. */
  readonly received: readonly number[];
}

/**
 * Takes every open deployment up again: each is nudged, also to tell a verdict that was not told, and
 * those at it too long are closed with a reason. Whatever was lost, a message or a whole function, this repairs.
 *
 * @throws What the first deployment threw that could not be taken up; the others were all the same.
 */
export async function sweep(sweeping: Sweeping, now: number): Promise<SweepResult> {
  const open = await sweeping.records.open();
  const failures: unknown[] = [];
  const received: number[] = [];
  let closed = 0;
  for (const ref of open) {
    try {
      const state = await takeUp(sweeping, ref, now);
      if (state === 'closed') closed += 1;
      if (state === 'open') received.push(receivedAt(ref.id));
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return { open: open.length, closed, received };
}

/** `closed`: just now, here; `over`: it had a verdict. */
async function takeUp(
  { records, messages, maxAgeMs }: Sweeping,
  ref: DeploymentRef,
  now: number,
): Promise<'open' | 'closed' | 'over'> {
  const found = await records.load(ref);
  if (found === undefined) {
    await records.settle(ref);
    return 'over';
  }
  if (found.closed !== undefined && now - found.closed.at > maxAgeMs) {
    // Whoever could not be told in all this time, such as a GitHub that the app was taken from, will not be.
    await records.settle(ref);
    return 'over';
  }
  const age = now - found.deployment.receivedAt;
  const tooOld = age > maxAgeMs && found.closed === undefined;
  const minutes = Math.round(age / 60_000);
  const text = `Nothing came to an end in ${minutes} minutes. Push again or redeliver the webhook.`;
  const closed = tooOld && (await records.close(ref, { state: 'failed', text, at: now }));
  await messages.advance(ref);
  if (closed) return 'closed';
  return found.closed === undefined ? 'open' : 'over';
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
