import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { processesByParent, processTree, readProcess } from './process-table.ts';

const recordShape = v.object({ pid: v.number(), started: v.string(), home: v.string() });

/** Notes on disk of every running replica, so that the next start finds what a kill left behind. */
export interface ProcessRecords {
  /** Notes a started process and its folder; the result deletes the note. */
  add(pid: number, home: string): () => void;
}

/**
 * Opens the records and ends what an earlier run left: only processes whose pid *and* start time
 * are those on record, so never somebody else's.
 */
export function openProcessRecords(folder: string): ProcessRecords {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const record = readRecord(path);
    if (record !== undefined) {
      endStray(record.pid, record.started);
      rmSync(record.home, { recursive: true, force: true });
      removeIfEmpty(dirname(record.home));
    }
    rmSync(path, { force: true });
  }
  return {
    add(pid, home) {
      const path = join(folder, String(pid));
      const started = readProcess(pid)?.started ?? '';
      try {
        writeFileSync(path, JSON.stringify({ pid, started, home }), { mode: 0o600 });
      } catch {
        // A full disk: the process runs all the same, and most die with the platform anyway.
      }
      return () => rmSync(path, { force: true });
    },
  };
}

/** The run folder of the platform that was killed, once its last replica's folder is gone. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // something else is in it
  }
}

function endStray(pid: number, started: string): void {
  if (started === '' || readProcess(pid)?.started !== started) return;
  killTree(pid);
}

/** Kills a running process, its group and everything below it. */
export function killTree(pid: number): void {
  const below = processTree(pid, processesByParent()).map((entry) => entry.pid);
  killGroup(pid);
  for (const target of [pid, ...below]) kill(target);
}

/** Kills what is left of a process group whose leader may have ended. */
export function killGroup(pid: number): void {
  kill(-pid);
}

function kill(target: number): void {
  try {
    process.kill(target, 'SIGKILL');
  } catch {
    // gone already
  }
}

function readRecord(path: string): v.InferOutput<typeof recordShape> | undefined {
  try {
    return v.parse(recordShape, JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
