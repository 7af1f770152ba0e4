import type { Container, ContainerStats } from 'dockerode';

/** What a container uses. */
export interface ContainerUsage {
  readonly milliCores: number;
  readonly bytes: number;
}

interface Sample extends ContainerUsage {
  readonly cpuNanoseconds: number;
  readonly at: number;
}

/** Before the first measurement. */
export const noUsage: Sample = { milliCores: 0, bytes: 0, cpuNanoseconds: 0, at: 0 };

/** Measures a container since the sample before. */
export async function measureContainer(container: Container, before: Sample): Promise<Sample> {
  // The engine would otherwise take a second sample itself, a second later.
  const options = { stream: false, 'one-shot': true } as const;
  const stats: ContainerStats = await container.stats(options);
  const at = Date.now();
  const cpuNanoseconds = stats.cpu_stats?.cpu_usage?.total_usage ?? 0;
  const busy = before.at === 0 ? 0 : Math.max(0, cpuNanoseconds - before.cpuNanoseconds);
  const { usage = 0, stats: details } = stats.memory_stats ?? {};
  // Pages of files that can be dropped are not what it needs; cgroup version 1 and 2 name them so.
  const cache = details?.total_inactive_file ?? details?.inactive_file ?? 0;
  return {
    milliCores: Math.round(busy / 1000 / Math.max(1, at - before.at)),
    bytes: Math.max(0, usage - cache),
    cpuNanoseconds,
    at,
  };
}
