import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join, posix } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { functionEnvironment } from './function-environment.ts';
import type { LocalImage } from './image-store.ts';
import { splitLines } from './line-splitter.ts';
import type { Replica, ReplicaPlan } from './pool-member.ts';
import { killGroup, killTree, type ProcessRecords } from './process-records.ts';
import { type ProcessEntry, processesByParent, processTree } from './process-table.ts';
import { createProcessWatch } from './process-watch.ts';
import type { FunctionSpec } from './provider.ts';
import { makeReplicaFolders, type OwnFolders, type ReadSecret } from './replica-folders.ts';
import type { Sandbox } from './sandbox.ts';
import { waitReady } from './wait-ready.ts';

/** What all replicas share. */
export interface ReplicaHost {
  readonly runFolder: string;
  readonly sandbox: Sandbox;
  readonly records: ProcessRecords;
  readonly readSecret: ReadSecret;
  readonly startTimeoutMs: number;
  readonly graceMs: number;
  /** Whether anybody reads the metrics of a function. */
  readonly hasMetrics: (spec: FunctionSpec) => boolean;
}

/** One running process of a function. */
export interface ProcessReplica extends Replica {
  readonly service: string;
  /** The unix socket of its `/metrics`, if anybody reads them. */
  readonly metricsSocket: string | undefined;
  /** Measures it, and kills it if it is over its limits. */
  supervise(children: ReadonlyMap<number, readonly ProcessEntry[]>): void;
}

const keptLines = 12;
/** Two signals at once would arrive as one. */
const againMs = 200;

/**
 * Starts a process and returns at once; see {@link Replica.ready}.
 *
 * @throws CloudError `OFC_DEPLOY_FAILED` if a secret is missing.
 */
export async function startReplica(
  host: ReplicaHost,
  plan: ReplicaPlan<LocalImage>,
): Promise<ProcessReplica> {
  const { spec, memoryBytes } = plan;
  const hasMetrics = host.hasMetrics(spec);
  const folders = await makeReplicaFolders(host.runFolder, spec, host.readSecret);
  let child: ChildProcess;
  try {
    child = spawnFunction(host.sandbox, plan, folders, hasMetrics);
  } catch (error) {
    await folders.remove();
    throw error;
  }
  const sandboxed = host.sandbox.kind === 'bubblewrap';
  const pid = child.pid ?? 0;
  const forget = pid === 0 ? () => undefined : host.records.add(pid, folders.home);
  const instance = `${spec.service}-${createHash('sha256').update(folders.home).digest('hex').slice(0, 8)}`;
  const lastLines: string[] = [];
  let killedFor: string | undefined;

  const onLine = (line: string): void => plan.onLine(instance, line);
  const onErrorLine = (line: string): void => {
    lastLines.push(line);
    if (lastLines.length > keptLines) lastLines.shift();
    onLine(line);
  };
  if (child.stdout) splitLines(child.stdout, onLine, folders.secretValues);
  if (child.stderr) splitLines(child.stderr, onErrorLine, folders.secretValues);
  const sandboxPid = readSandboxPid(child);
  const gone = new AbortController();
  const ended = waitEnd(child).then(async (how) => {
    gone.abort();
    forget();
    await folders.remove();
    return killedFor ?? [how, ...lastLines].join('\n');
  });
  const kill = (reason: string): void => {
    const running = child.exitCode === null && child.signalCode === null;
    if (pid === 0 || !running) return;
    killedFor ??= reason;
    killTree(pid);
  };
  const socketPath = join(folders.socket, 's');
  const ready = waitReady(socketPath, host.startTimeoutMs, gone.signal).then((isReady) => {
    if (!isReady) {
      const why = `It did not answer /_/ready within ${host.startTimeoutMs / 1000} s.`;
      kill([why, ...lastLines].join('\n'));
    }
    return isReady;
  });

  let stopping: Promise<void> | undefined;
  const stop = async (atOnce: boolean): Promise<void> => {
    const target = sandboxed ? await firstProcessInside(await sandboxPid) : pid || undefined;
    if (target !== undefined) terminate(target);
    // Our runtime serves on after the first signal, as the watchdog, and ends at the second.
    const again = setTimeout(() => atOnce && target !== undefined && terminate(target), againMs);
    const timer = setTimeout(
      () => kill('It was stopped.'),
      target === undefined ? 0 : host.graceMs,
    );
    await ended;
    clearTimeout(again);
    clearTimeout(timer);
  };

  const watch = createProcessWatch(pid, memoryBytes, kill);
  return {
    instance,
    endpoint: { socketPath },
    service: spec.service,
    metricsSocket: hasMetrics ? join(folders.socket, 'm') : undefined,
    get usage() {
      return watch.usage;
    },
    ready,
    ended,
    supervise: watch.look,
    stop: (atOnce = false) => {
      stopping ??= stop(atOnce);
      return stopping;
    },
  };
}

function spawnFunction(
  sandbox: Sandbox,
  plan: ReplicaPlan<LocalImage>,
  folders: OwnFolders,
  hasMetrics: boolean,
): ChildProcess {
  const { spec, image, memoryBytes } = plan;
  // Joined to `/` first: the image's own word must not climb out of its folder.
  const code = join(image.root, posix.join('/', image.config.workingDir));
  const real = { code, tmp: folders.tmp, secrets: folders.secrets, socket: folders.socket };
  const seen = sandbox.paths(real);
  const env = functionEnvironment({
    spec,
    imageEnv: image.config.env,
    socketPath: join(seen.socket, 's'),
    tmpFolder: seen.tmp,
    secretFolder: seen.secrets,
    memoryBytes,
    metricsSocket: hasMetrics ? join(seen.socket, 'm') : undefined,
  });
  const args = image.config.command.slice(1);
  const launch = sandbox.launch(real, { args, env, memoryBytes });
  const pipes = launch.sandboxArguments === undefined ? [] : (['pipe', 'pipe'] as const);
  const child = spawn(launch.program, launch.args, {
    cwd: code,
    env: launch.env,
    stdio: ['ignore', 'pipe', 'pipe', ...pipes],
    detached: true, // a process group of its own, so that all of it can be ended
  });
  const input = child.stdio[4];
  if (input instanceof Writable) {
    input.on('error', () => undefined); // it ended early; its exit says why
    input.end(launch.sandboxArguments);
  }
  return child;
}

function waitEnd(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`It could not be started: ${error.message}`));
    child.on('exit', (code, signal) => {
      const how = signal === null ? `It exited with code ${code}.` : `It was ended by ${signal}.`;
      if (child.pid !== undefined) killGroup(child.pid);
      // Lines that are still in the pipes belong to the reason. But a grandchild that left the group
      // may hold them open.
      const timer = setTimeout(() => resolve(how), 2000);
      child.on('close', () => {
        clearTimeout(timer);
        resolve(how);
      });
    });
  });
}

/** bubblewrap tells the pid of the sandbox's first process on an extra pipe. */
async function readSandboxPid(child: ChildProcess): Promise<number | undefined> {
  const pipe = child.stdio[3];
  if (!(pipe instanceof Readable)) return undefined;
  const info = await text(pipe).catch(() => '');
  const match = /"child-pid":\s*(\d+)/.exec(info);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** The function itself: bubblewrap's own init, which would die of SIGTERM, is its parent. */
async function firstProcessInside(init: number | undefined): Promise<number | undefined> {
  if (init === undefined) return undefined;
  return processTree(init, processesByParent())[1]?.pid;
}

function terminate(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // gone already
  }
}
