import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import { readProcess } from '../provider/process-table.ts';

const ownerSchema = v.object({ pid: v.number(), started: v.string() });

/**
 * Takes a data folder for this process alone: two platforms on one would ruin each other's queue.
 * What a killed process left behind does not count: its pid is gone, or belongs to another process.
 *
 * @throws CloudError `OFC_CONFIG` if another platform runs on it.
 */
export async function lockData(data: string): Promise<{ close(): Promise<void> }> {
  const file = join(data, 'platform.pid');
  const own = JSON.stringify({ pid: process.pid, started: startOf(process.pid) });
  const owner = await ownerOf(file);
  if (owner !== undefined && isRunning(owner)) {
    throw new CloudError('OFC_CONFIG', `Another platform (process ${owner.pid}) uses ${data}.`, {
      hint: 'Stop it first, or choose another folder with --data.',
    });
  }
  if (owner !== undefined) await rm(file, { force: true });
  try {
    await writeFile(file, own, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw new CloudError('OFC_CONFIG', `The folder ${data} cannot be used.`, {
      hint: 'If nothing else was started on it at this moment, check who may write there.',
      cause: error,
    });
  }
  return { close: () => rm(file, { force: true }) };
}

type LockOwner = v.InferOutput<typeof ownerSchema>;

async function ownerOf(file: string): Promise<LockOwner | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), ownerSchema), text);
  return parsed.success ? parsed.output : { pid: 0, started: '' };
}

function isRunning({ pid, started }: LockOwner): boolean {
  if (pid === 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return startOf(pid) === started;
}

/** Without `/proc` there is no start time: then the pid alone decides. */
function startOf(pid: number): string {
  return readProcess(pid)?.started ?? '';
}
