import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { folderPath, type KeyEntry, parseEntry } from './key-paths.ts';

/** Where a walk is; the consumer may move `skip` on while it runs. */
export interface WalkCursor {
  readonly prefix: string;
  /** Only keys after this one. */
  readonly after: string;
  /** Keys that begin so are left out; `undefined` = none. */
  skip: string | undefined;
}

/**
 * Yields the keys of a bucket that start with the cursor's prefix, in byte order, with the paths of
 * their files. Reads only the folder of the prefix, and of that only what can come after `after`.
 */
export async function* walkKeys(
  bucketFolder: string,
  cursor: WalkCursor,
): AsyncGenerator<{ key: string; path: string }> {
  const base = cursor.prefix.slice(0, cursor.prefix.lastIndexOf('/') + 1);
  yield* walkFolder(join(bucketFolder, folderPath(base)), base, cursor);
}

async function* walkFolder(
  folder: string,
  base: string,
  cursor: WalkCursor,
): AsyncGenerator<{ key: string; path: string }> {
  const { prefix, after } = cursor;
  for (const { stem, isFile, name } of await sortedEntries(folder, base)) {
    if (!stem.startsWith(prefix) && (isFile || !prefix.startsWith(stem))) continue;
    if (cursor.skip !== undefined && stem.startsWith(cursor.skip)) continue;
    const path = join(folder, name);
    if (isFile) {
      if (stem > after) yield { key: stem, path };
    } else if (stem > after || after.startsWith(stem)) {
      yield* walkFolder(path, stem, cursor);
    }
  }
}

/** Sorted by stem, which is the order of keys: no folder's keys lie on both sides of another entry. */
async function sortedEntries(folder: string, base: string): Promise<KeyEntry[]> {
  const entries = (await namesIn(folder)).flatMap((name) => parseEntry(base, name) ?? []);
  return entries.sort((a, b) => (a.stem < b.stem ? -1 : 1));
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return []; // removed meanwhile, or never there
    throw error;
  }
}
