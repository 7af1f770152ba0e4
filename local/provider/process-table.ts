import { closeSync, openSync, readdirSync, readSync } from 'node:fs';

/** A process, as `/proc/<pid>/stat` shows it. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** Start time in clock ticks since boot: with the pid it names a process for good. */
  readonly started: string;
  readonly cpuTicks: number;
}

/**
 * One process; `undefined` if it is gone or there is no `/proc`.
 *
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export function readProcess(pid: number): ProcessEntry | undefined {
  try {
    const text = readSmall(`/proc/${pid}/stat`);
    // The second field is the command in parentheses and may hold spaces and parentheses itself.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return {
      pid,
      parent: Number(fields[1]),
      started: fields[19] ?? '',
      cpuTicks: Number(fields[11]) + Number(fields[12]),
    };
  } catch {
    return undefined;
  }
}

type ByParent = Map<number, ProcessEntry[]>;

/** All processes by parent; empty where there is no `/proc`. */
export function processesByParent(): ByParent {
  return byParent(listPids());
}

/** How often those that are not ours are looked at again: by then a pid may be another process's. */
const looksUntilAll = 10;

/**
 * Makes a {@link processesByParent} for who looks again and again at what is below this process: a process that
 * was not below it once never is, so it is left out until the tenth look.
 */
export function createOwnProcesses(): () => ByParent {
  let others = new Set<number>();
  let looks = 0;
  return () => {
    if (looks % looksUntilAll === 0) others = new Set();
    looks += 1;
    const pids = listPids();
    const found = byParent(pids.filter((pid) => !others.has(pid)));
    const own = new Set(processTree(process.pid, found).map(({ pid }) => pid));
    others = new Set(pids.filter((pid) => !own.has(pid)));
    return found;
  };
}

function byParent(pids: readonly number[]): ByParent {
  const children: ByParent = new Map();
  for (const pid of pids) {
    const entry = readProcess(pid);
    if (entry === undefined) continue;
    const siblings = children.get(entry.parent);
    if (siblings === undefined) children.set(entry.parent, [entry]);
    else siblings.push(entry);
  }
  return children;
}

/** `pid` and everything below it. */
export function processTree(
  pid: number,
  children: ReadonlyMap<number, readonly ProcessEntry[]>,
): ProcessEntry[] {
  const root = readProcess(pid);
  const tree = root === undefined ? [] : [root];
  for (const entry of tree) tree.push(...(children.get(entry.pid) ?? []));
  return tree;
}

/** Bytes of memory of one process: all that is resident, and the part that is its own. */
export function processMemory(pid: number): { resident: number; own: number } {
  try {
    const [, resident = 0, shared = 0] = readSmall(`/proc/${pid}/statm`)
      .split(' ')
      .map((pages) => Number(pages) * 4096);
    return { resident, own: resident - shared };
  } catch {
    return { resident: 0, own: 0 };
  }
}

const smallFile = Buffer.alloc(4096);

/**
 * A file of `/proc` that fits into one read. `readFileSync` takes a new buffer of 64 KiB for each, as
 * it does not know their size; hundreds of them a second keep the garbage collector busy.
 */
function readSmall(path: string): string {
  const file = openSync(path, 'r');
  try {
    return smallFile.toString('latin1', 0, readSync(file, smallFile, 0, smallFile.length, 0));
  } finally {
    closeSync(file);
  }
}

function listPids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}
