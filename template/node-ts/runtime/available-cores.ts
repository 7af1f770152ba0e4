import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * The cores that this container may use: those of the machine, or fewer if its CPU limit says so.
 *
 * @param root Where the control groups are mounted.
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
 */
export function availableCores(root = '/sys/fs/cgroup'): number {
  const [quota, period] =
    readNumbers(`${root}/cpu.max`) ??
    [`${root}/cpu/cpu.cfs_quota_us`, `${root}/cpu/cpu.cfs_period_us`].flatMap(
      (file) => readNumbers(file) ?? [],
    );
  const cores = availableParallelism();
  // Without a limit the quota is "max", in the first version -1.
  if (quota === undefined || period === undefined || !(quota > 0 && period > 0)) return cores;
  return Math.max(1, Math.min(cores, Math.ceil(quota / period)));
}

function readNumbers(file: string): number[] | undefined {
  try {
    return readFileSync(file, 'utf8').trim().split(' ').map(Number);
  } catch {
    return undefined;
  }
}
