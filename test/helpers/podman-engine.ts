import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { type Daemon, startDaemon } from './daemon.ts';
import type { ContainerEngineProcess } from './docker-engine.ts';
import { tempDir } from './temp-dir.ts';

const run = promisify(execFile);

/** Gives a container the limits that this process has: root without CAP_SYS_RESOURCE may not raise them. */
const ownLimits = `let text = '';
process.stdin.on('data', (chunk) => { text += chunk; }).on('end', () => {
  const config = JSON.parse(text);
  delete config.process.rlimits;
  process.stdout.write(JSON.stringify(config));
});`;

/**
 * Starts Podman's service in a temporary folder, with images, networks and a socket of its own. It
 * speaks plain HTTP to registries on loopback, as an operator has to tell it.
 */
export async function startPodmanEngine(): Promise<ContainerEngineProcess> {
  const folder = await tempDir();
  const at = (name: string) => join(folder.path, name);
  const socketPath = at('podman.sock');
  const docker = new Docker({ socketPath });
  await Promise.all([mkdir(at('hooks')), mkdir(at('networks'))]);
  await writeFile(
    at('hooks/limits.json'),
    JSON.stringify({
      version: '1.0.0',
      hook: { path: process.execPath, args: ['node', '--eval', ownLimits] },
      when: { always: true },
      stages: ['precreate'],
    }),
  );
  await writeFile(at('registries.conf'), '[[registry]]\nlocation = "127.0.0.1"\ninsecure = true\n');
  await writeFile(
    at('containers.conf'),
    [
      ...['[network]', `network_config_dir = "${at('networks')}"`],
      `default_subnet_pools = [{ base = "10.${randomInt(100, 250)}.0.0/16", size = 24 }]`,
      ...['[engine]', 'cgroup_manager = "cgroupfs"', 'events_logger = "file"'],
    ].join('\n'),
  );
  const own = ['--root', at('storage'), '--runroot', at('run'), '--tmpdir', at('tmp')];
  const env = {
    ...process.env,
    CONTAINERS_CONF: at('containers.conf'),
    CONTAINERS_REGISTRIES_CONF: at('registries.conf'),
    // Without it each start waits for a systemd that may not be there.
    DISABLE_HC_SYSTEMD: 'true',
  };
  const command = [
    ...(['podman', ...own, '--hooks-dir', at('hooks')] as const),
    ...['system', 'service', '--time', '0', `unix://${socketPath}`],
  ] as const;
  const start = () => startDaemon(command, () => docker.ping(), { env });
  let daemon: Daemon | undefined = await start();
  const halt = async (): Promise<void> => {
    const running = daemon;
    daemon = undefined;
    await running?.stop();
  };
  return {
    docker,
    socketPath,
    halt,
    async resume() {
      daemon ??= await start();
    },
    async stop() {
      await halt();
      // Its containers do not end with it.
      await run('podman', [...own, 'rm', '--all', '--force', '--time', '0'], { env });
      await run('podman', [...own, 'network', 'prune', '--force'], { env });
      await rm(folder.path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
