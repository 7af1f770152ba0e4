import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Daemon, startDaemon } from './daemon.ts';
import { freePort } from './free-port.ts';
import { tempDir } from './temp-dir.ts';

/** Ceph's S3. */
export interface Ceph {
  readonly url: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  stop(): Promise<void>;
}

/** Who may do what, in the form of Ceph's tools. */
const identities: Readonly<Record<string, readonly string[]>> = {
  'mon.': ['mon', 'allow *'],
  'client.admin': ['mon', 'allow *', 'osd', 'allow *'],
  'osd.0': ['mon', 'allow profile osd', 'osd', 'allow *'],
  'client.rgw': ['mon', 'allow rw', 'osd', 'allow rwx'],
};

/**
 * Starts the smallest Ceph that serves S3: one monitor, one OSD in memory, one RADOS gateway, in a temporary
 * folder and on loopback. It takes about 15 seconds and 400 MB.
 */
export async function startCeph(): Promise<Ceph> {
  const folder = await tempDir();
  const running: Daemon[] = [];
  const stop = async (): Promise<void> => {
    for (const daemon of running.reverse()) await daemon.stop();
    await folder.remove();
  };
  try {
    return { ...(await start(folder.path, running)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(folder: string, running: Daemon[]): Promise<Omit<Ceph, 'stop'>> {
  const file = (name: string) => join(folder, name);
  const [fsid, osdId, accessKey, secretKey] = [
    randomUUID(),
    randomUUID(),
    'test-access',
    'test-secret',
  ];
  const [monPort, s3Port] = [await freePort(), await freePort()];
  const address = `[v2:127.0.0.1:${monPort}/0]`;
  const [conf, keyring] = [file('ceph.conf'), file('keyring')];
  const run = async (program: string, ...args: string[]): Promise<string> =>
    (await promisify(execFile)(program, args, { timeout: 60_000 })).stdout;
  const daemon = async (program: string, args: string[], probe: () => Promise<unknown>) => {
    const command = [program, '-f', '-c', conf, ...args] as const;
    running.push(await startDaemon(command, probe, { timeoutMs: 90_000 }));
  };

  await writeFile(conf, settings(folder, fsid, address));
  for (const name of ['mon', 'osd']) await mkdir(file(name));
  await run('ceph-authtool', '--create-keyring', keyring);
  for (const [name, caps] of Object.entries(identities)) {
    const pairs = caps.flatMap((cap, index) => (index % 2 === 0 ? ['--cap', cap] : [cap]));
    await run('ceph-authtool', keyring, '--gen-key', '-n', name, ...pairs);
  }
  await writeFile(file('osd/keyring'), await readFile(keyring));
  const map = file('monmap');
  await run('monmaptool', '--create', '--fsid', fsid, '--addv', 'a', address, map);
  await run('ceph-mon', '-c', conf, '--mkfs', '-i', 'a', '--monmap', map, '--keyring', keyring);

  const ceph = (...args: string[]) => run('ceph', '-c', conf, '--connect-timeout', '5', ...args);
  await daemon('ceph-mon', ['-i', 'a'], () => ceph('mon', 'stat'));
  await ceph('osd', 'new', osdId, '0');
  await run('ceph-osd', '-c', conf, '-i', '0', '--mkfs', '--osd-uuid', osdId);
  await daemon('ceph-osd', ['-i', '0'], async () => {
    const { num_up_osds: up } = JSON.parse(await ceph('osd', 'stat', '--format', 'json')) as {
      num_up_osds: number;
    };
    if (up !== 1) throw new Error('The OSD is not up.');
  });
  const url = `http://127.0.0.1:${s3Port}`;
  const frontend = `beast endpoint=127.0.0.1:${s3Port}`;
  await daemon('radosgw', ['-n', 'client.rgw', '--rgw-frontends', frontend], () => fetch(url));
  const user = ['user', 'create', '--uid', 'test', '--display-name', 'test'];
  await run('radosgw-admin', '-c', conf, ...user, '--access-key', accessKey, '--secret', secretKey);
  return { url, region: 'us-east-1', accessKey, secretKey };
}

function settings(folder: string, fsid: string, address: string): string {
  return `[global]
fsid = ${fsid}
mon host = ${address}
keyring = ${folder}/keyring
run dir = ${folder}
admin socket = ${folder}/$name.asok
log file = /dev/null
log to stderr = true
crash dir = ${folder}
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
ms bind ipv6 = false
public addr = 127.0.0.1
osd objectstore = memstore
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 2
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
[mon]
mon data = ${folder}/mon
public addr =
[osd]
osd data = ${folder}/osd
keyring = ${folder}/osd/keyring
[client.rgw]
rgw thread pool size = 64
rgw enable usage log = false
rgw enable ops log = false
`;
}
