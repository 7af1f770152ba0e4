import { type ProcessEntry, processMemory, processTree } from './process-table.ts';
import type { Endpoint } from './provider.ts';
import type { Replica } from './replica.ts';

/** A replica within its function's pool. */
export interface PoolMember {
  /** Which roll-out it belongs to. */
  readonly generation: number;
  state: 'starting' | 'ready' | 'draining';
  inFlight: number;
  readyAt: number;
  replica: Replica | undefined;
  endpoint: Endpoint;
  /** Resolves when its process has ended and its folder is gone. */
  done: Promise<void>;
  usage: { cpuTicks: number; at: number; milliCores: number; bytes: number };
}

const maxProcesses = 128;
// `getconf CLK_TCK`: 100 on every Linux that Node supports.
const millisecondsPerTick = 10;

/** A member whose process is about to be started. */
export function newMember(generation: number): PoolMember {
  return {
    generation,
    state: 'starting',
    inFlight: 0,
    readyAt: 0,
    replica: undefined,
    endpoint: { socketPath: '' },
    done: Promise.resolve(),
    usage: { cpuTicks: 0, at: Date.now(), milliCores: 0, bytes: 0 },
  };
}

/** Measures a member's processes and kills those over their limits. */
export function superviseMember(
  member: PoolMember,
  children: ReadonlyMap<number, readonly ProcessEntry[]>,
): void {
  const { replica, usage } = member;
  if (replica === undefined || replica.pid === 0) return;
  const tree = processTree(replica.pid, children);
  if (tree.length === 0) return;
  const now = Date.now();
  const cpuTicks = tree.reduce((sum, entry) => sum + entry.cpuTicks, 0);
  const memory = tree.map((entry) => processMemory(entry.pid));
  const busy = Math.max(0, cpuTicks - usage.cpuTicks) * millisecondsPerTick;
  member.usage = {
    cpuTicks,
    at: now,
    milliCores: Math.round((1000 * busy) / Math.max(1, now - usage.at)),
    bytes: memory.reduce((sum, { resident }) => sum + resident, 0),
  };
  // Shared pages (Node's own code, above all) are not what the function asked for.
  const own = memory.reduce((sum, part) => sum + part.own, 0);
  if (own > replica.memoryBytes) {
    const [used, limit] = [own, replica.memoryBytes].map((bytes) => Math.round(bytes / 2 ** 20));
    replica.kill(`It was killed: it used ${used} MiB of memory, its limit is ${limit} MiB.`);
  } else if (tree.length > maxProcesses) {
    replica.kill(`It was killed: it had more than ${maxProcesses} processes.`);
  }
}
