import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createKeyedLock } from './keyed-lock.ts';

const inOrder = createKeyedLock();

/** The JSON value in a file that this server wrote, or undefined where there is none. */
export function readJsonFile<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Replaces a file by `value` as it is now, as JSON. A reader, or a crash, sees the old or the new
 * text, whole; of several calls for one file the last wins.
 */
export async function writeJsonFile(path: string, value: unknown): Promise<void> {
  const text = JSON.stringify(value);
  await inOrder(path, async () => {
    const draft = `${path}.${randomUUID()}.tmp`;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(draft, text, { mode: 0o600 });
    await rename(draft, path);
  });
}
