import { type ProcessEntry, processMemory, processTree } from './process-table.ts';

/** Measures a replica's processes and kills those over their limits. */
export interface ProcessWatch {
  readonly usage: { readonly milliCores: number; readonly bytes: number };
  /** Called about once a second, with all processes of the machine by parent. */
  look(children: ReadonlyMap<number, readonly ProcessEntry[]>): void;
}

const maxProcesses = 128;
// `getconf CLK_TCK`: 100 on every Linux that Node supports.
const millisecondsPerTick = 10;

/**
 * Makes a {@link ProcessWatch}.
 *
 * @param kill Ends the replica, for the reason given.
 */
export function createProcessWatch(
  pid: number,
  memoryBytes: number,
  kill: (reason: string) => void,
): ProcessWatch {
  let last = { cpuTicks: 0, at: Date.now() };
  let usage = { milliCores: 0, bytes: 0 };
  return {
    get usage() {
      return usage;
    },
    look(children) {
      const tree = pid === 0 ? [] : processTree(pid, children);
      if (tree.length === 0) return;
      const now = Date.now();
      const cpuTicks = tree.reduce((sum, entry) => sum + entry.cpuTicks, 0);
      const memory = tree.map((entry) => processMemory(entry.pid));
      const busy = Math.max(0, cpuTicks - last.cpuTicks) * millisecondsPerTick;
      usage = {
        milliCores: Math.round((1000 * busy) / Math.max(1, now - last.at)),
        bytes: memory.reduce((sum, { resident }) => sum + resident, 0),
      };
      last = { cpuTicks, at: now };
      // Shared pages (Node's own code, above all) are not what the function asked for.
      const own = memory.reduce((sum, part) => sum + part.own, 0);
      if (own > memoryBytes) {
        const [used, limit] = [own, memoryBytes].map((bytes) => Math.round(bytes / 2 ** 20));
        kill(`It was killed: it used ${used} MiB of memory, its limit is ${limit} MiB.`);
      } else if (tree.length > maxProcesses) {
        kill(`It was killed: it had more than ${maxProcesses} processes.`);
      }
    },
  };
}
