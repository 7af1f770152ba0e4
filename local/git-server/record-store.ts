import { readdirSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeJsonFile } from './json-file.ts';
import { createKeyedLock } from './keyed-lock.ts';

/** What all records have: a number that is never used twice and grows with time. */
export interface StoredRecord {
  readonly id: number;
}

/** Records of one kind, one JSON file each, in groups (such as all check runs of one commit). */
export interface RecordStore<T extends StoredRecord> {
  groups(): string[];
  /** A group's records, oldest first. */
  list(group: string): Promise<T[]>;
  /** One record of any group. */
  get(id: number): Promise<T | undefined>;
  create(group: string, make: (id: number) => T): Promise<T>;
  /** Changes a record; changes of the same one follow each other. Undefined if it is not there. */
  update(id: number, change: (record: T) => T): Promise<T | undefined>;
  remove(id: number): Promise<void>;
}

let lastId = 0;

/** Numbers follow the clock in microseconds: no counter to keep, in order, unique in one process. */
function nextId(): number {
  lastId = Math.max(lastId + 1, Date.now() * 1000);
  return lastId;
}

/**
 * Opens the records in `folder`. Only their names are held in memory.
 *
 * @param folder Groups are its sub-folders; their names must be safe as file names.
 */
export function openRecordStore<T extends StoredRecord>(folder: string): RecordStore<T> {
  const groups = new Map<string, Set<number>>();
  const groupOf = new Map<number, string>();
  const lock = createKeyedLock();
  const pathOf = (group: string, id: number): string => join(folder, group, `${id}.json`);
  const note = (group: string, id: number): void => {
    groupOf.set(id, group);
    const ids = groups.get(group) ?? new Set();
    groups.set(group, ids.add(id));
  };
  for (const group of namesIn(folder)) {
    for (const file of namesIn(join(folder, group)).sort()) {
      const id = /^(\d+)\.json$/.exec(file)?.[1];
      if (id !== undefined) note(group, Number(id));
    }
  }

  const get = async (id: number): Promise<T | undefined> => {
    const group = groupOf.get(id);
    if (group === undefined) return undefined;
    return JSON.parse(await readFile(pathOf(group, id), 'utf8')) as T;
  };

  return {
    groups: () => [...groups.keys()],
    list: async (group) => {
      const found = await Promise.all([...(groups.get(group) ?? [])].map(get));
      return found.filter((record) => record !== undefined);
    },
    get,
    create: async (group, make) => {
      const record = make(nextId());
      await writeJsonFile(pathOf(group, record.id), record);
      note(group, record.id);
      return record;
    },
    update: (id, change) =>
      lock(String(id), async () => {
        const record = await get(id);
        const group = groupOf.get(id);
        if (record === undefined || group === undefined) return undefined;
        const changed = change(record);
        await writeJsonFile(pathOf(group, id), changed);
        return changed;
      }),
    remove: (id) =>
      lock(String(id), async () => {
        const group = groupOf.get(id);
        if (group === undefined) return;
        groupOf.delete(id);
        groups.get(group)?.delete(id);
        await rm(pathOf(group, id), { force: true });
      }),
  };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
