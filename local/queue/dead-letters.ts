import { CloudError } from '#shared/errors.ts';
import type { Entry } from './message.ts';
import type { QueueStore } from './queue-store.ts';

/** A call or callback that was given up, without its content. */
export interface DeadLetter {
  readonly id: string;
  readonly kind: 'invoke' | 'callback';
  readonly function: string;
  readonly callId: string;
  readonly attempts: number;
  readonly reason: string;
  /** ISO time. */
  readonly failedAt: string;
}

/** Calls and callbacks that were given up. */
export interface DeadLetters {
  /** Oldest first. */
  list(): DeadLetter[];
  /** Delivers it again, with all its tries. @throws CloudError `OFC_NOT_FOUND` */
  redrive(id: string): Promise<void>;
  /** Drops it for good. @throws CloudError `OFC_NOT_FOUND` */
  discard(id: string): Promise<void>;
}

/** Makes {@link DeadLetters} over a store; `schedule` delivers an entry that was put back. */
export function createDeadLetters(
  store: QueueStore,
  schedule: (entry: Entry) => void,
): DeadLetters {
  return {
    list: () =>
      store.dead().map(({ id, work, attempts, reason, failedAt }) => {
        const { function: name, callId } = work.kind === 'invoke' ? work.message : work.callback;
        return { id, kind: work.kind, function: name, callId, attempts, reason, failedAt };
      }),
    async redrive(id) {
      const entry = await store.revive(id);
      if (entry === undefined) throw unknown(id);
      schedule(entry);
    },
    async discard(id) {
      if (!(await store.discard(id))) throw unknown(id);
    },
  };
}

function unknown(id: string): CloudError {
  return new CloudError('OFC_NOT_FOUND', `There is no dead letter "${id.slice(0, 100)}".`);
}
