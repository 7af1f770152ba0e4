import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import type { Container } from 'dockerode';
import { CloudError, errorMessage } from '#shared/errors.ts';
import { type ContainerEngine, engineStatus } from './container-engine.ts';
import type { ContainerImage, ContainerImages } from './container-images.ts';
import { containerSettings } from './container-settings.ts';
import { measureContainer, noUsage } from './container-usage.ts';
import { splitLines } from './line-splitter.ts';
import type { Replica, ReplicaPlan } from './pool-member.ts';
import type { ReadSecret } from './replica-folders.ts';
import { makeSecretFolder } from './secret-folder.ts';
import { type Address, defaultReadyPath, probe, waitHealthy } from './wait-healthy.ts';

/** What all containers share. */
export interface ContainerHost {
  readonly engine: ContainerEngine;
  readonly images: ContainerImages;
  readonly network: string;
  readonly platform: string;
  readonly secretsFolder: string;
  /** The names of the containers that are somebody's, from before they are made. */
  readonly names: Set<string>;
  /** Resolves when the engine has been away and is back. */
  readonly cameBack: () => Promise<void>;
  readonly readSecret: ReadSecret;
  readonly startTimeoutMs: number;
  readonly graceMs: number;
}

/** One running container of a function. */
export interface ContainerReplica extends Replica {
  /** Measures it. */
  measure(): Promise<void>;
  /** Asks for its health; one that does not answer several times in a row is ended. */
  checkHealth(): Promise<void>;
}

// OpenFaaS's watchdogs and its templates listen there.
const functionPort = 8080;
const keptLines = 12;
const maxMissedChecks = 3;

/**
 * Starts a container and returns at once; see {@link Replica.ready}.
 *
 * @throws CloudError `OFC_DEPLOY_FAILED` if its image or a secret is missing, or with the engine's refusal.
 */
export async function startContainer(
  host: ContainerHost,
  plan: ReplicaPlan<ContainerImage>,
): Promise<ContainerReplica> {
  const { spec, memoryBytes } = plan;
  const { docker } = host.engine;
  await host.images.ensure(plan.image);
  const secrets = await makeSecretFolder(host.secretsFolder, spec, host.readSecret);
  const name = `${host.network}-${randomBytes(6).toString('hex')}`;
  host.names.add(name);
  const lastLines: string[] = [];
  let container: Container | undefined;
  let address: Address;
  const follow = (running: Container): Promise<void> =>
    followOutput(running, secrets.values, (line, isError) => {
      if (isError) lastLines.push(line);
      if (lastLines.length > keptLines) lastLines.shift();
      plan.onLine(instanceOf(spec.service, running.id), line);
    });
  try {
    const { network, platform } = host;
    const parts = { spec, memoryBytes, network, platform, secretFolder: secrets.path };
    const settings = containerSettings({ ...parts, image: plan.image.name });
    container = await docker.createContainer({ ...settings, name });
    // Before it starts, so that no line is missed.
    await follow(container);
    await container.start();
    address = await addressOf(container, host.network);
  } catch (error) {
    await container?.remove({ force: true, v: true }).catch(() => undefined);
    host.names.delete(name);
    await secrets.remove();
    if (error instanceof CloudError) throw error;
    throw new CloudError('OFC_DEPLOY_FAILED', `It could not be started: ${errorMessage(error)}`, {
      cause: error,
    });
  }
  const running = container;
  const gone = new AbortController();
  let endReason: string | undefined;
  let abandon: (reason: string) => void = () => undefined;
  const abandoned = new Promise<string>((resolve) => {
    abandon = resolve;
  });
  const ended = Promise.race([untilEnd(host, running, gone.signal, follow), abandoned]).then(
    async (how) => {
      gone.abort();
      // What cannot be removed now is nobody's: it goes when the engine is back.
      await running.remove({ force: true, v: true }).catch(() => undefined);
      host.names.delete(name);
      await secrets.remove();
      return endReason ?? [how, ...lastLines].join('\n');
    },
  );
  const kill = async (reason: string): Promise<void> => {
    endReason ??= [reason, ...lastLines].join('\n');
    await running.kill().catch((error: unknown) => {
      if (engineStatus(error) === undefined) abandon(reason);
    });
  };
  const readyPath = spec.annotations['com.openfaas.ready.http.path'] || defaultReadyPath;
  const waiting = { readyPath, timeoutMs: host.startTimeoutMs, signal: gone.signal };
  const ready = waitHealthy(address, waiting).then(async (isReady) => {
    if (!isReady && !gone.signal.aborted) {
      await kill(`It did not answer ${readyPath} within ${host.startTimeoutMs / 1000} s.`);
    }
    return isReady;
  });
  const stop = async (atOnce: boolean): Promise<void> => {
    try {
      await running.stop({ t: atOnce ? 1 : Math.ceil(host.graceMs / 1000) });
    } catch (error) {
      // 304 and 404: it has ended. Without an answer there is nobody to wait for.
      if (engineStatus(error) === undefined) abandon('The container engine does not answer.');
    }
    await ended;
  };
  let stopping: Promise<void> | undefined;
  let usage = noUsage;
  let missed = 0;
  return {
    instance: instanceOf(spec.service, running.id),
    endpoint: address,
    get usage() {
      return usage;
    },
    ready,
    ended,
    async measure() {
      usage = await measureContainer(running, usage).catch(() => usage);
    },
    async checkHealth() {
      if (!(await ready) || gone.signal.aborted || stopping !== undefined) return;
      missed = (await probe(address, '/_/health', gone.signal)) === undefined ? missed + 1 : 0;
      if (missed >= maxMissedChecks) await kill('It was killed: it no longer answered /_/health.');
    },
    stop: (atOnce = false) => {
      stopping ??= stop(atOnce);
      return stopping;
    },
  };
}

function instanceOf(service: string, id: string): string {
  return `${service}-${id.slice(0, 8)}`;
}

async function addressOf(container: Container, network: string): Promise<Address> {
  const { NetworkSettings } = await container.inspect();
  const host = NetworkSettings.Networks[network]?.IPAddress;
  if (host) return { host, port: functionPort };
  // It has ended already, or the engine gave it no address: its end says why.
  return { host: '127.0.0.1', port: 1 };
}

async function followOutput(
  container: Container,
  hidden: readonly Buffer[],
  onLine: (line: string, isError: boolean) => void,
): Promise<void> {
  const stream = await container.attach({ stream: true, stdout: true, stderr: true });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  splitLines(stdout, (line) => onLine(line, false), hidden);
  splitLines(stderr, (line) => onLine(line, true), hidden);
  container.modem.demuxStream(stream, stdout, stderr);
  const end = (): void => {
    stdout.end();
    stderr.end();
  };
  stream.once('end', end).once('close', end).once('error', end);
}

/**
 * How a container ended. An engine that goes away is waited for: its containers may outlive that, and
 * what was asked of it before may never be answered.
 */
async function untilEnd(
  { engine, cameBack }: ContainerHost,
  container: Container,
  signal: AbortSignal,
  follow: (container: Container) => Promise<void>,
): Promise<string> {
  for (;;) {
    try {
      const ended = container.wait().then(() => true);
      if (await Promise.race([ended, cameBack().then(() => false)])) {
        return await howItEnded(container);
      }
      const { State } = await container.inspect();
      if (!State.Running) return await howItEnded(container);
      await follow(container);
    } catch (error) {
      if (engineStatus(error) === 404) return 'Its container was removed.';
      const back = await engine.available(signal).then(
        () => true,
        () => false,
      );
      if (!back) return 'The container engine does not answer.';
    }
  }
}

async function howItEnded(container: Container): Promise<string> {
  const { State, HostConfig } = await container.inspect();
  if (State.OOMKilled) {
    const limit = Math.round((HostConfig.Memory ?? 0) / 2 ** 20);
    return `It was killed: it used more memory than its limit of ${limit} MiB.`;
  }
  return `It exited with code ${State.ExitCode}.${State.Error ? ` ${State.Error}` : ''}`;
}
