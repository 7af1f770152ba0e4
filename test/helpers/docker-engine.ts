import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { type Daemon, startDaemon } from './daemon.ts';
import { borrowFirewall } from './docker-firewall.ts';
import { tempDir } from './temp-dir.ts';

const run = promisify(execFile);

/** A container engine of the suite's own. */
export interface ContainerEngineProcess {
  readonly docker: Docker;
  readonly socketPath: string;
  /** Ends the daemon. */
  halt(): Promise<void>;
  /** Starts it again, with the images it had. */
  resume(): Promise<void>;
  /** Ends it and removes everything it made. */
  stop(): Promise<void>;
}

/** A dockerd; with it end all its containers. */
export interface DockerEngine extends ContainerEngineProcess {
  /** The address of its bridge: where its containers reach this machine. */
  readonly gateway: string;
}

/**
 * Starts Docker Engine in a temporary folder, beside one that may run already: with a socket, images
 * and a bridge of its own. Containers of the bridge reach other networks by one masquerading rule;
 * the engine itself changes no firewall rules (as with `"iptables": false`), unless `firewall` asks for
 * Docker's usual ones, which keep containers apart. They are taken away again at the end.
 *
 * Registries on loopback are spoken to by plain HTTP, as Docker does by default.
 */
export async function startDockerEngine(
  options: {
    readonly args?: readonly string[];
    /** A folder of other versions of dockerd and containerd, unpacked from their packages. */
    readonly programs?: string | undefined;
    /** What the engine has to be told to do. */
    readonly features?: readonly string[];
    /** Docker's firewall rules, which keep containers apart. */
    readonly firewall?: boolean;
  } = {},
): Promise<DockerEngine> {
  const folder = await tempDir();
  const bridge = await makeBridge();
  const firewall = options.firewall ? await borrowFirewall(bridge.name) : undefined;
  const features = Object.fromEntries((options.features ?? []).map((name) => [name, true]));
  await writeFile(join(folder.path, 'daemon.json'), JSON.stringify({ features }));
  const socketPath = join(folder.path, 'docker.sock');
  const docker = new Docker({ socketPath });
  const command = [
    'dockerd',
    ...['--host', `unix://${socketPath}`, '--pidfile', join(folder.path, 'pid')],
    ...['--data-root', join(folder.path, 'data'), '--exec-root', join(folder.path, 'exec')],
    ...['--bridge', bridge.name, `--iptables=${firewall !== undefined}`, '--ip-forward=false'],
    // Should it find the system's containerd, it keeps to itself there.
    ...['--containerd-namespace', bridge.name],
    ...['--containerd-plugins-namespace', `${bridge.name}-plugins`],
    ...['--config-file', join(folder.path, 'daemon.json')],
    ...(options.args ?? []),
  ] as const;
  const { programs } = options;
  const path = programs === undefined ? [] : [`${programs}/usr/bin`, `${programs}/usr/sbin`];
  const env = { ...process.env, PATH: [...path, process.env['PATH']].join(':') };
  const start = () => startDaemon(command, () => docker.ping(), { env });
  let daemon: Daemon | undefined;
  const halt = async (): Promise<void> => {
    const running = daemon;
    daemon = undefined;
    await running?.stop();
  };
  const removeAll = async (): Promise<void> => {
    await bridge.remove();
    await firewall?.giveBack();
    await unmountBelow(folder.path);
    await rm(folder.path, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    daemon = await start();
  } catch (error) {
    await removeAll();
    throw error;
  }
  return {
    docker,
    socketPath,
    gateway: bridge.address,
    halt,
    async resume() {
      daemon ??= await start();
    },
    async stop() {
      if (daemon !== undefined) await removeContainersAndNetworks(docker);
      await halt();
      await removeAll();
    },
  };
}

interface Bridge {
  readonly name: string;
  readonly address: string;
  remove(): Promise<void>;
}

/** A bridge device with a network of its own that reaches others through this machine's address. */
async function makeBridge(): Promise<Bridge> {
  const name = `ofct${randomInt(1e9).toString(36)}`;
  const prefix = `10.${randomInt(100, 250)}.${randomInt(256)}`;
  const address = `${prefix}.1`;
  const masquerade = (action: '-A' | '-D') =>
    run('iptables', [
      ...['-w', '-t', 'nat', action, 'POSTROUTING', '-s', `${prefix}.0/24`],
      ...['!', '-o', name, '-j', 'MASQUERADE'],
    ]);
  await run('ip', ['link', 'add', name, 'type', 'bridge']);
  await run('ip', ['address', 'add', `${address}/24`, 'dev', name]);
  await run('ip', ['link', 'set', name, 'up']);
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
  await masquerade('-A');
  return {
    name,
    address,
    async remove() {
      await masquerade('-D');
      await run('ip', ['link', 'delete', name]);
    },
  };
}

/** So that no device or mount of a container outlives the daemon. */
async function removeContainersAndNetworks(docker: Docker): Promise<void> {
  for (const { Id } of await docker.listContainers({ all: true })) {
    await docker.getContainer(Id).remove({ force: true, v: true });
  }
  for (const { Id, Name } of await docker.listNetworks()) {
    if (!['bridge', 'host', 'none'].includes(Name)) await docker.getNetwork(Id).remove();
  }
}

/** What a killed daemon left mounted would keep its folder from being removed. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n');
  const below = mounts.flatMap((line) => line.split(' ')[1] ?? []);
  for (const path of below.filter((path) => path.startsWith(`${folder}/`)).reverse()) {
    await run('umount', ['--lazy', path]);
  }
}
