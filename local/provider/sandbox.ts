import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CloudError } from '#shared/errors.ts';

const run = promisify(execFile);

/** How functions are kept apart. */
export type Isolation = 'auto' | 'none' | 'bubblewrap';

/** One replica's folders on the host. */
export interface ReplicaFolders {
  /** The image's own folder with the code. */
  readonly code: string;
  /** The only place where the function can write. */
  readonly tmp: string;
  readonly secrets: string;
  /** Where it puts its socket. */
  readonly socket: string;
}

/** The same folders, as the function sees them. */
export type SandboxPaths = ReplicaFolders;

/** Starts functions with what this machine offers to confine them. */
export interface Sandbox {
  readonly kind: 'none' | 'bubblewrap';
  /** One sentence: what is in force. */
  readonly summary: string;
  paths(folders: ReplicaFolders): SandboxPaths;
  /** How to start `node <args>` with `env`. */
  launch(folders: ReplicaFolders, options: LaunchOptions): Launch;
}

interface LaunchOptions {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly memoryBytes: number;
}

/** What to spawn. */
export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** bubblewrap only: what to write to file descriptor 4. Its answer comes on descriptor 3. */
  readonly sandboxArguments?: string;
}

const inside: SandboxPaths = {
  code: '/home/app',
  tmp: '/tmp',
  secrets: '/var/openfaas/secrets',
  socket: '/run/function',
};

const nodeInside = '/usr/local/bin/node';

// Programs and libraries of the host, without /usr/local, /usr/src, /opt and the like.
const hostFolders = ['/usr/bin', '/usr/lib', '/usr/lib64', '/bin', '/lib', '/lib64', '/etc/ssl'];
const hostFiles = ['/etc/resolv.conf', '/etc/hosts', '/etc/nsswitch.conf', '/etc/localtime'];

/**
 * Finds out by trying what works on this machine.
 *
 * @param isolation `auto` takes bubblewrap where it works.
 * @throws CloudError `OFC_CONFIG` if bubblewrap is asked for and does not work.
 */
export async function detectSandbox(isolation: Isolation): Promise<Sandbox> {
  const limiter = await detectLimiter();
  const memory =
    process.platform === 'linux'
      ? 'memory and process count are watched, CPU is not limited'
      : 'the JavaScript heap is limited, nothing else';
  if (isolation !== 'none') {
    const failure = await tryBubblewrap();
    if (failure === undefined) {
      return {
        kind: 'bubblewrap',
        summary: `Each function runs in a bubblewrap sandbox (own files, processes and user; the network is shared); ${memory}.`,
        paths: () => inside,
        launch: (folders, { args, env, memoryBytes }) => ({
          ...toCommand([
            ...limiter(memoryBytes),
            ...[findProgram('bwrap'), '--args', '4', '--', nodeInside, ...args],
          ]),
          // The function's variables must not reach bubblewrap itself: LD_PRELOAD in them would run
          // code outside of the sandbox. Through a pipe they are not in any command line either.
          env: {},
          sandboxArguments: [
            ...bubblewrapArguments(),
            ...['--ro-bind', folders.code, inside.code],
            ...['--bind', folders.tmp, inside.tmp],
            ...['--bind', folders.socket, inside.socket],
            ...['--ro-bind', folders.secrets, inside.secrets],
            ...['--chdir', inside.code, '--info-fd', '3', '--clearenv'],
            ...Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]),
            '',
          ].join('\0'),
        }),
      };
    }
    if (isolation === 'bubblewrap') {
      throw new CloudError('OFC_CONFIG', `bubblewrap does not work here: ${failure}`, {
        hint: 'Install the package bubblewrap and allow user namespaces, or use isolation "auto".',
      });
    }
  }
  return {
    kind: 'none',
    summary: `Functions are plain child processes of this user: they can read what you can read, so run only code you trust; ${memory}.`,
    paths: (folders) => folders,
    launch: (_folders, { args, env, memoryBytes }) => ({
      ...toCommand([...limiter(memoryBytes, 'dies with parent'), process.execPath, ...args]),
      env,
    }),
  };
}

function toCommand([program = '', ...args]: string[]): { program: string; args: string[] } {
  return { program, args };
}

/** An absolute path, because the search path of a function is its own to set. */
function findProgram(name: string): string {
  const folders = ['/usr/bin', '/bin', '/usr/local/bin', '/run/current-system/sw/bin'];
  const folder = folders.find((candidate) => existsSync(join(candidate, name)));
  return join(folder ?? '/usr/bin', name);
}

function bubblewrapArguments(): string[] {
  return [
    ...['--unshare-user', '--uid', '12000', '--gid', '12000'],
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--hostname', 'function'],
    ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...hostFolders.flatMap((path) => ['--ro-bind-try', path, path]),
    ...hostFiles.flatMap((path) => ['--ro-bind-try', path, path]),
    ...['--ro-bind', process.execPath, nodeInside],
    ...['--proc', '/proc', '--dev', '/dev'],
  ];
}

/** Why bubblewrap cannot be used here; `undefined` if it can. */
async function tryBubblewrap(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'it exists for Linux only.';
  try {
    await run(findProgram('bwrap'), [...bubblewrapArguments(), nodeInside, '--version'], {
      timeout: 10_000,
    });
    return undefined;
  } catch (error) {
    const { code, stderr, message } = error as { code?: unknown; stderr?: string; message: string };
    return code === 'ENOENT' ? 'it is not installed.' : stderr?.trim() || message;
  }
}

type Limiter = (memoryBytes: number, diesWithParent?: string) => string[];

/** util-linux sets hard limits before the program starts; without it there are none. */
async function detectLimiter(): Promise<Limiter> {
  const prlimit = (bytes: number): string[] => [
    findProgram('prlimit'),
    '--core=0',
    // A ceiling for one process, enforced by the kernel. Stacks and the engine's own data need room
    // above the function's limit, which is watched besides.
    `--data=${bytes + 512 * 2 ** 20}`,
  ];
  const setpriv = [findProgram('setpriv'), '--pdeathsig', 'KILL', '--no-new-privs'];
  const works = async (command: string[]): Promise<boolean> => {
    const [program = '', ...args] = [...command, process.execPath, '--version'];
    return run(program, args, { timeout: 10_000 }).then(
      () => true,
      () => false,
    );
  };
  if (process.platform !== 'linux') return () => [];
  const [limits, dies] = await Promise.all([works(prlimit(2 ** 30)), works(setpriv)]);
  return (bytes, diesWithParent) => [
    ...(limits ? prlimit(bytes) : []),
    ...(dies && diesWithParent !== undefined ? setpriv : []),
  ];
}
