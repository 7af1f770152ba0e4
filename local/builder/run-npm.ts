import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { CloudError } from '#shared/errors.ts';
import { splitLines } from '../provider/line-splitter.ts';

/** How npm is run. */
export interface NpmOptions {
  readonly args: readonly string[];
  readonly cwd: string;
  /** npm's own home and cache. */
  readonly home: string;
  /** The only variables it gets beside those set here: a registry, a proxy, a user config. */
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/**
 * Runs the npm that belongs to this Node, without install scripts, git or local packages.
 *
 * @throws CloudError `OFC_BUILD_FAILED` if it fails, `OFC_TIMEOUT`; the signal's reason.
 */
export function runNpm(options: NpmOptions): Promise<void> {
  const { args, cwd, home, environment, timeoutMs, signal, onLine } = options;
  const folder = dirname(process.execPath);
  const child = spawn(process.execPath, [findNpm(), ...args, ...safeFlags], {
    cwd,
    env: {
      ...environment,
      PATH: [folder, '/usr/bin', '/bin'].join(delimiter),
      HOME: home,
      npm_config_cache: join(home, 'cache'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let why: string | undefined;
  const onErrorLine = (line: string): void => {
    // The file is the operator's and goes with the build.
    if (/A complete log of this run can be found in/.test(line)) return;
    why ??= /^npm (?:error|ERR!) (?!code )(?:404 |notarget |[A-Z]{4,} )?(\S.{5,})$/.exec(line)?.[1];
    onLine(line);
  };
  splitLines(child.stdout, onLine);
  splitLines(child.stderr, onErrorLine);
  return new Promise((resolve, reject) => {
    let stopped: { reason: unknown } | undefined;
    const stop = (reason: unknown): void => {
      stopped ??= { reason };
      if (child.pid !== undefined) endGroup(child.pid);
    };
    const onAbort = (): void => stop(signal.reason);
    const timer = setTimeout(
      () => stop(new CloudError('OFC_TIMEOUT', `npm took longer than ${timeoutMs / 1000} s.`)),
      timeoutMs,
    );
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    child.on('error', (error) => stop(error));
    child.on('close', (code) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      if (stopped !== undefined) reject(stopped.reason);
      else if (code === 0) resolve();
      else {
        const reason = why === undefined ? '.' : `: ${why}`;
        reject(
          new CloudError('OFC_BUILD_FAILED', `npm could not install the dependencies${reason}`),
        );
      }
    });
  });
}

// Install scripts, and the git that a git dependency may name, would run a stranger's code here;
// local packages would be somebody else's files. npm before 11 does not know the --allow options.
const safeFlags = [
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--allow-git=none',
  '--allow-file=none',
  '--allow-directory=none',
  '--allow-remote=none',
  '--git=git-is-not-used-here',
];

function findNpm(): string {
  const folder = dirname(process.execPath);
  const candidates = [
    join(folder, '../lib/node_modules/npm/bin/npm-cli.js'),
    join(folder, 'npm'),
    '/usr/bin/npm',
    '/usr/local/bin/npm',
  ];
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return realpathSync(found);
  throw new CloudError('OFC_CONFIG', 'npm was not found beside Node.', {
    hint: 'Install npm: it is needed to build functions that have dependencies.',
  });
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // gone already
  }
}
