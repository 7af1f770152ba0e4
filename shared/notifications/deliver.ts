import { CloudError } from '../errors.ts';
import type { Destinations } from './destinations.ts';
import {
  type Attempt,
  hasArrived,
  type NoticeHistory,
  type NoticeRef,
  type Notices,
  noticeState,
} from './notices.ts';
import type { PostNotice } from './post-notice.ts';
import { retryDelayMs } from './retry-schedule.ts';

/** What delivering works with. */
export interface Delivering {
  readonly notices: Notices;
  readonly destinations: Pick<Destinations, 'open'>;
  readonly post: PostNotice;
  /** Longer than `post` can take. */
  readonly timeoutMs: number;
  readonly now: () => number;
}

/**
 * Makes the next attempt at a notice, unless it is over or somebody else is at it. Before anything is
 * sent the attempt after this one is on the list, so a crash delays a notice and does not lose it; a receiver
 * may see it twice, by the same id.
 *
 * @param mark The mark under which it was due.
 * @throws CloudError of the store; the mark stays then.
 */
export async function deliver(
  deps: Delivering,
  ref: NoticeRef,
  mark: string | undefined,
): Promise<void> {
  const { notices, now } = deps;
  const unmark = async (key: string | undefined) => {
    if (key !== undefined) await notices.unmark(key);
  };
  const history = await notices.load(ref);
  if (history === undefined || noticeState(history) !== 'waiting') return unmark(mark);
  if (isAtWork(history, now() - 2 * deps.timeoutMs)) return;
  const number = history.attempts.length + 1;
  const delay = retryDelayMs[number - 1];
  const next = delay === undefined ? undefined : await notices.markDue(ref, now() + delay);
  if (!(await notices.begin(ref, number))) return;
  await unmark(mark);
  const at = now();
  const outcome = await send(deps, history);
  const isLast = next === undefined || outcome.last === true || hasArrived({ at, ...outcome });
  await notices.end(ref, number, {
    at,
    ms: now() - at,
    ...outcome,
    ...(isLast ? { last: true } : {}),
  });
  if (isLast) await unmark(next);
}

/** Whether the newest attempt began a moment ago and has not ended. */
function isAtWork({ attempts }: NoticeHistory, since: number): boolean {
  const last = attempts.at(-1);
  const hasEnded = last?.status !== undefined || last?.problem !== undefined;
  return last !== undefined && !hasEnded && last.at > since;
}

/** 410 means that the receiver wants nothing any more. */
const gone = 410;

async function send(
  { destinations, post }: Delivering,
  { notice }: NoticeHistory,
): Promise<Omit<Attempt, 'at'>> {
  try {
    const destination = await destinations.open(notice, notice.destination);
    if (destination === undefined) return { problem: 'The destination was removed.', last: true };
    const outcome = await post(notice, destination);
    return outcome.status === gone ? { ...outcome, last: true } : outcome;
  } catch (error) {
    if (error instanceof CloudError && error.code === 'OFC_SECRETS') {
      return { problem: error.text, last: true };
    }
    throw error;
  }
}

/** How much one round takes on, of all owners and of one: nobody's dead receivers hold up others. */
const round = { limit: 60, perOwner: 10 };
const together = 20;

/**
 * Makes the next attempt at whatever is due.
 *
 * @returns how many notices were taken up.
 * @throws What the first threw that could not be taken up; the others were all the same.
 */
export async function deliverDue(deps: Delivering): Promise<number> {
  const due = await deps.notices.due(round);
  const failures: unknown[] = [];
  for (let at = 0; at < due.length; at += together) {
    const some = due.slice(at, at + together);
    const done = await Promise.allSettled(some.map((each) => deliver(deps, each, each.key)));
    for (const each of done) if (each.status === 'rejected') failures.push(each.reason);
  }
  if (failures.length > 0) throw failures[0];
  return due.length;
}
