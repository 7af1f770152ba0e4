import { existsSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type Docker from 'dockerode';
import { CloudError, errorMessage } from '#shared/errors.ts';

/** Docker Engine, or another engine that speaks its API; Podman runs containers, but does not build by BuildKit. */
export interface ContainerEngine {
  readonly docker: Docker;
  readonly socketPath: string;
  /** Its name and version, as it says. */
  readonly name: string;
  /** Resolves once it answers; rejects with the signal's reason. */
  available(signal: AbortSignal): Promise<void>;
}

const probeTimeoutMs = 10_000;
const usualSockets = ['/var/run/docker.sock', '/run/podman/podman.sock'];

/** Where an engine's socket may be: what `DOCKER_HOST` says, as for Docker's own tools, or the usual places. */
export function engineSockets(dockerHost: string | undefined): readonly string[] {
  if (dockerHost === undefined || dockerHost === '') return usualSockets;
  const path = /^unix:\/\/(\/.+)$/.exec(dockerHost)?.[1];
  if (path !== undefined) return [path];
  throw new CloudError(
    'OFC_CONFIG',
    `DOCKER_HOST is ${dockerHost}: only unix:// sockets will do.`,
    {
      hint: 'The engine must run on this machine. Unset DOCKER_HOST, or use --engine process.',
    },
  );
}

/**
 * Connects to the first engine that answers, has BuildKit and shares this machine's network: functions are
 * called at their containers' addresses, and the engine pulls from a registry on loopback.
 *
 * @throws CloudError `OFC_CONFIG` that says for each socket why it will not do.
 */
export async function findEngine(sockets: readonly string[]): Promise<ContainerEngine> {
  const problems: string[] = [];
  for (const socketPath of sockets) {
    try {
      return await connectEngine(socketPath, await describeEngine(socketPath));
    } catch (error) {
      problems.push(errorMessage(error));
    }
  }
  throw new CloudError('OFC_CONFIG', `No container engine can be used: ${problems.join(' ')}`, {
    hint: 'Start Docker, give its socket with DOCKER_HOST, or use --engine process.',
  });
}

/** An engine that may not answer at the moment. */
export async function connectEngine(
  socketPath: string,
  name = 'The container engine',
): Promise<ContainerEngine> {
  const docker = await clientOf({ socketPath });
  return {
    docker,
    socketPath,
    name,
    async available(signal) {
      for (;;) {
        signal.throwIfAborted();
        if (await answers(socketPath)) return;
        await delay(300, undefined, { signal });
      }
    },
  };
}

async function describeEngine(socketPath: string): Promise<string> {
  if (!existsSync(socketPath)) throw new Error(`${socketPath} is not there.`);
  const docker = await clientOf({ socketPath, timeout: probeTimeoutMs });
  try {
    const version = await docker.version();
    const named = `${version.Components?.[0]?.Name ?? 'Docker'} ${version.Version}`;
    // Its containers would do; but builds go through BuildKit, and it builds by other means.
    if (named.startsWith('Podman')) {
      throw new Error(`the engine there (${named}) has no BuildKit, which builds functions.`);
    }
    const info: { Name: string; KernelVersion: string; SecurityOptions?: string[] | null } =
      await docker.info();
    // Docker Desktop's virtual machine has a name of its own.
    if (info.Name !== hostname() || info.KernelVersion !== release()) {
      throw new Error(`the engine there (${named}) runs on another machine, "${info.Name}".`);
    }
    if (info.SecurityOptions?.some((option) => option.includes('rootless'))) {
      throw new Error(`the engine there (${named}) is rootless, with a network of its own.`);
    }
    return named;
  } catch (error) {
    throw new Error(`${socketPath}: ${errorMessage(error)}`, { cause: error });
  }
}

async function answers(socketPath: string): Promise<boolean> {
  const docker = await clientOf({ socketPath, timeout: probeTimeoutMs });
  return docker.ping().then(
    () => true,
    () => false,
  );
}

/** The package is loaded where there is an engine to speak to: it takes a tenth of a start. */
async function clientOf(options: Docker.DockerOptions): Promise<Docker> {
  const { default: Client } = await import('dockerode');
  return new Client(options);
}

/** The HTTP status of an engine's refusal; `undefined` if it did not answer. */
export function engineStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}
