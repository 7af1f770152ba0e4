import { readFileSync } from 'node:fs';
import { processesByParent, processTree } from '../../../local/provider/process-table.ts';

/** Memory of a process and all below it, in MB. */
export interface Memory {
  readonly processes: number;
  /** Pages that several share count for each: the upper bound. */
  readonly resident: number;
  /** Shared pages are divided among those who share them: what it really takes. */
  readonly proportional: number;
}

/** Reads `/proc/<pid>/smaps_rollup` of a whole process tree. */
export function treeMemory(pid: number): Memory {
  const tree = processTree(pid, processesByParent());
  let resident = 0;
  let proportional = 0;
  for (const entry of tree) {
    const text = read(`/proc/${entry.pid}/smaps_rollup`);
    resident += kilobytes(text, 'Rss');
    proportional += kilobytes(text, 'Pss');
  }
  return {
    processes: tree.length,
    resident: Math.round(resident / 1024),
    proportional: Math.round(proportional / 1024),
  };
}

function kilobytes(text: string, field: string): number {
  return Number(new RegExp(`^${field}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
