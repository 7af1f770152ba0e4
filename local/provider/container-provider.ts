import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '#shared/errors.ts';
import { type ContainerEngine, engineStatus } from './container-engine.ts';
import { createContainerImages, type PullCredentials } from './container-images.ts';
import { type ContainerReplica, startContainer } from './container-replica.ts';
import { platformLabel } from './container-settings.ts';
import { createPoolProvider, type PoolProviderOptions } from './pool-provider.ts';
import type { Provider } from './provider.ts';

/** Settings of {@link createContainerProvider}. */
export interface ContainerProviderOptions extends PoolProviderOptions {
  readonly engine: ContainerEngine;
  /** Tells this platform's containers from those of others in the same engine. */
  readonly platform: string;
  readonly credentials?: PullCredentials;
  /** How long a new replica may take to become ready; 30 s by default. */
  readonly startTimeoutMs?: number;
  /** From SIGTERM to SIGKILL; 5 s by default. */
  readonly graceMs?: number;
}

// In ticks of about a second.
const measureEvery = 5;
const checkEvery = 10;

/**
 * A {@link Provider} whose replicas are containers of Docker Engine or of another engine with its API.
 * What an earlier run left there is removed; when the engine goes away and comes back, functions that
 * should run are started again.
 */
export async function createContainerProvider(
  options: ContainerProviderOptions,
): Promise<Provider> {
  const { engine, platform, log } = options;
  const network = `openfaas-cloud-${platform}`;
  const secretsFolder = join(options.folder, 'secrets');
  await mkdir(secretsFolder, { recursive: true, mode: 0o700 });
  const images = createContainerImages(engine, options.credentials ?? (() => undefined));
  const running = new Set<ContainerReplica>();
  const closing = new AbortController();
  const host = {
    ...{ engine, images, network, platform, secretsFolder, readSecret: options.readSecret },
    names: new Set<string>(),
    cameBack: () => cameBack,
    startTimeoutMs: options.startTimeoutMs ?? 30_000,
    graceMs: options.graceMs ?? 5000,
  };
  let ticks = 0;
  let tellBack: () => void = () => undefined;
  let cameBack = Promise.resolve();
  const awaitReturn = (): void => {
    cameBack = new Promise((resolve) => {
      tellBack = resolve;
    });
  };
  awaitReturn();

  /** Removes containers that nobody here knows, and makes the network. */
  const tidyUp = async (): Promise<void> => {
    const label = [`${platformLabel}=${platform}`];
    const found = await engine.docker.listContainers({ all: true, filters: { label } });
    for (const { Id, Names } of found) {
      const ours = Names.some((name) => host.names.has(name.replace(/^\//, '')));
      if (!ours) await removeContainer(engine, Id);
    }
    await ensureNetwork(engine, network, platform);
  };
  const watch = async (retry: () => void): Promise<void> => {
    while (!closing.signal.aborted) {
      await untilGone(engine, closing.signal);
      if (closing.signal.aborted) return;
      log.warn('The container engine does not answer.', { socket: engine.socketPath });
      await engine.available(closing.signal);
      try {
        await tidyUp();
      } catch (error) {
        // It went away again.
        log.warn('The container engine is not back yet.', { error: errorMessage(error) });
        continue;
      }
      log.info('The container engine is back.');
      tellBack();
      awaitReturn();
      retry();
    }
  };

  const answers = await tidyUp().then(
    () => true,
    (error: unknown) => {
      if (engineStatus(error) !== undefined) throw error;
      return false;
    },
  );
  // Nothing runs yet, so what lies there is an earlier run's.
  if (answers) await emptyFolder(secretsFolder);

  return createPoolProvider(options, {
    info: { name: 'openfaas-cloud', orchestration: 'containers', isolation: isolationOf(engine) },
    image: (reference, restored) => images.get(reference, restored),
    async start(plan) {
      const replica = await startContainer(host, plan);
      running.add(replica);
      void replica.ended.then(() => running.delete(replica));
      return replica;
    },
    tick() {
      ticks += 1;
      for (const replica of running) {
        if (ticks % measureEvery === 0) void replica.measure();
        if (ticks % checkEvery === 0) void replica.checkHealth();
      }
    },
    onRecovered(retry) {
      watch(retry).catch((error: unknown) => {
        if (closing.signal.aborted) return;
        log.error('The container engine is no longer watched.', { error: errorMessage(error) });
      });
    },
    prune: images.prune,
    async close() {
      closing.abort();
      await engine.docker
        .getNetwork(network)
        .remove()
        .catch(() => undefined);
    },
  });
}

function isolationOf({ name, socketPath }: ContainerEngine): string {
  return `Each function of a user runs in a container of ${name} (${socketPath}): own files, processes and network, no capabilities, memory and CPU limited.`;
}

async function removeContainer({ docker }: ContainerEngine, id: string): Promise<void> {
  await docker
    .getContainer(id)
    .remove({ force: true, v: true })
    .catch((error: unknown) => {
      // Gone, or being removed at this moment.
      if (![404, 409].includes(engineStatus(error) ?? 0)) throw error;
    });
}

/** A network on which containers do not reach each other. */
async function ensureNetwork(
  { docker }: ContainerEngine,
  name: string,
  platform: string,
): Promise<void> {
  try {
    await docker.getNetwork(name).inspect();
  } catch (error) {
    if (engineStatus(error) !== 404) throw error;
    await docker.createNetwork({
      Name: name,
      Driver: 'bridge',
      Options: { 'com.docker.network.bridge.enable_icc': 'false' },
      Labels: { [platformLabel]: platform },
    });
  }
}

/** Resolves when the engine has gone away, or at the signal. */
async function untilGone({ docker }: ContainerEngine, signal: AbortSignal): Promise<void> {
  try {
    const abortSignal = signal;
    const events = await docker.getEvents({ filters: { type: ['daemon'] }, abortSignal });
    await new Promise<void>((resolve) => {
      const end = (): void => resolve();
      events.once('end', end).once('close', end).on('error', end).resume();
    });
  } catch {
    // It does not answer: that is what is waited for.
  }
}

async function emptyFolder(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}
