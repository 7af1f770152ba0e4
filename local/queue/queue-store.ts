import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';
import type { DeadEntry, Entry } from './message.ts';

/** The entries on disk. Each promise resolves when its change has been flushed (fdatasync). */
export interface QueueStore {
  get(id: string): Entry | undefined;
  /** All entries, oldest first. */
  all(): Iterable<Entry>;
  put(entry: Entry): Promise<void>;
  /** Takes an entry out and puts in what follows from it, both or neither. */
  finish(
    id: string,
    follow: { next?: Entry | undefined; dead?: DeadEntry | undefined },
  ): Promise<void>;
  dead(): DeadEntry[];
  deadCount(): number;
  /** Puts a dead entry back as new; gives it, or `undefined` if there is none. */
  revive(id: string): Promise<Entry | undefined>;
  /** Drops a dead entry for good; `false` if there is none. */
  discard(id: string): Promise<boolean>;
  close(): Promise<void>;
}

/** Older dead entries give way to newer ones, so that a broken function cannot fill the disk. */
const maxDead = 10_000;

/** Opens the store in `folder`. lmdb commits all changes of one moment with one flush. */
export async function openQueueStore(folder: string): Promise<QueueStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Without overlapping sync a write resolves after its flush, not after its commit.
  const root = open({ path: join(folder, 'queue.lmdb'), overlappingSync: false });
  const entries = root.openDB<Entry, string>({ name: 'entries' });
  const graves = root.openDB<DeadEntry, string>({ name: 'dead' });

  const together = async (change: () => void): Promise<void> => {
    await root.batch(change);
  };

  return {
    get: (id) => entries.get(id),
    *all() {
      for (const { value } of entries.getRange()) yield value;
    },
    put: (entry) => together(() => void entries.put(entry.id, entry)),
    finish: (id, { next, dead }) =>
      together(() => {
        entries.remove(id);
        if (next !== undefined) entries.put(next.id, next);
        if (dead === undefined) return;
        for (const key of graves.getKeys({ limit: Math.max(0, graves.getCount() - maxDead + 1) })) {
          graves.remove(key);
        }
        graves.put(dead.id, dead);
      }),
    dead: () => Array.from(graves.getRange(), ({ value }) => value),
    deadCount: () => graves.getCount(),
    async revive(id) {
      const grave = graves.get(id);
      if (grave === undefined) return undefined;
      const entry: Entry = { id, work: grave.work, attempts: 0, notBefore: 0 };
      await together(() => {
        graves.remove(id);
        entries.put(id, entry);
      });
      return entry;
    },
    async discard(id) {
      const known = graves.doesExist(id);
      if (known) await graves.remove(id);
      return known;
    },
    close: () => root.close(),
  };
}
