import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createImageStore, type ImageSource } from './image-store.ts';
import { createPoolProvider, type PoolProviderOptions } from './pool-provider.ts';
import { openProcessRecords } from './process-records.ts';
import { createOwnProcesses } from './process-table.ts';
import type { FunctionSpec, Provider } from './provider.ts';
import { type ProcessReplica, startReplica } from './replica.ts';
import { detectSandbox, type Isolation } from './sandbox.ts';
import { createStartGate } from './start-gate.ts';

/** Settings of {@link createProcessProvider}. */
export interface ProcessProviderOptions extends PoolProviderOptions {
  readonly images: ImageSource;
  /** `auto`, the default: bubblewrap where it works. */
  readonly isolation?: Isolation;
  /** How long a new replica may take to become ready; 20 s by default. */
  readonly startTimeoutMs?: number;
  /** From SIGTERM to SIGKILL; 5 s by default. */
  readonly graceMs?: number;
  /** Whether anybody reads the metrics of a function; of none, by default. */
  readonly hasMetrics?: (spec: FunctionSpec) => boolean;
}

/** A process whose metrics can be read. */
export interface MetricsSource {
  readonly service: string;
  readonly instance: string;
  readonly socketPath: string;
}

/** A {@link Provider} that knows where its processes serve metrics. */
export interface ProcessProvider extends Provider {
  metricsSources(): MetricsSource[];
}

const pruneMs = 60 * 60_000;
// Several times what a start takes on an idle machine.
const startPatienceMs = 1000;

/**
 * A {@link Provider} without a container engine: each replica is a process on this machine, started
 * on demand with this process's own Node from an OCI image made by the embedded builder.
 *
 * @throws CloudError `OFC_CONFIG` if the isolation asked for does not work here.
 */
export async function createProcessProvider(
  options: ProcessProviderOptions,
): Promise<ProcessProvider> {
  const { folder, readSecret } = options;
  const sandbox = await detectSandbox(options.isolation ?? 'auto');
  await mkdir(join(folder, 'images'), { recursive: true, mode: 0o700 });
  const records = openProcessRecords(join(folder, 'processes'));
  // Short, because a socket's path may have about 100 characters.
  const runFolder = await mkdtemp(join(tmpdir(), 'ofc-'));
  const images = createImageStore(join(folder, 'images'), options.images);
  const graceMs = options.graceMs ?? 5000;
  const startTimeoutMs = options.startTimeoutMs ?? 20_000;
  const hasMetrics = options.hasMetrics ?? (() => false);
  const host = { runFolder, sandbox, records, readSecret, startTimeoutMs, graceMs, hasMetrics };
  const running = new Set<ProcessReplica>();
  const ownProcesses = createOwnProcesses();
  const gate = createStartGate(Math.max(2, availableParallelism()), startPatienceMs);

  const provider = createPoolProvider(options, {
    info: { name: 'openfaas-cloud', orchestration: 'processes', isolation: sandbox.summary },
    image: (reference) => images.get(reference),
    async start(plan) {
      const replica = await gate.pass(() => startReplica(host, plan));
      running.add(replica);
      void replica.ended.then(() => running.delete(replica));
      return replica;
    },
    tick() {
      if (running.size === 0) return;
      const children = ownProcesses();
      for (const replica of running) replica.supervise(children);
    },
    prune: (used) => images.prune(used, pruneMs),
    close: () => rm(runFolder, { recursive: true, force: true }),
  });
  return Object.assign(provider, {
    metricsSources: () =>
      [...running].flatMap(({ service, instance, metricsSocket }) =>
        metricsSocket === undefined ? [] : [{ service, instance, socketPath: metricsSocket }],
      ),
  });
}
