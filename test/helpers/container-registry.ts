import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { startDaemon } from './daemon.ts';
import { freePort } from './free-port.ts';
import { tempDir } from './temp-dir.ts';

const run = promisify(execFile);

/** A registry that wants a password. */
export interface ContainerRegistry {
  /** `127.0.0.1:<port>`, as it stands in an image's name. */
  readonly address: string;
  readonly username: string;
  readonly password: string;
  /** What Docker's `config.json` says to log in. */
  readonly dockerConfig: string;
  stop(): Promise<void>;
}

/** Starts Debian's docker-registry (CNCF Distribution 2.8) in a temporary folder. */
export async function startContainerRegistry(): Promise<ContainerRegistry> {
  const folder = await tempDir();
  const [username, password] = ['builder', randomBytes(12).toString('hex')];
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const file = (name: string) => join(folder.path, name);
  // The registry knows bcrypt only.
  await run('htpasswd', ['-cbB', file('users'), username, password]);
  const settings = {
    version: '0.1',
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: file('data') }, delete: { enabled: true } },
    http: { addr: address, secret: randomBytes(16).toString('hex') },
    auth: { htpasswd: { realm: 'test', path: file('users') } },
  };
  await writeFile(file('config.yml'), stringify(settings));
  const daemon = await startDaemon(['docker-registry', 'serve', file('config.yml')], async () => {
    const { status } = await fetch(`http://${address}/v2/`);
    if (status !== 401) throw new Error(`It answers ${status}.`);
  });
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  return {
    address,
    username,
    password,
    dockerConfig: JSON.stringify({ auths: { [address]: { auth } } }),
    async stop() {
      await daemon.stop();
      await folder.remove();
    },
  };
}
