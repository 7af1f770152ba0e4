import { type ChildProcess, type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';

/** The `git` program, run without a shell and without anything from the user's own set-up. */
export interface Git {
  /** Runs a command in a repo and gives its output; `input` becomes its standard input. */
  read(folder: string, args: readonly string[], input?: string): Promise<Buffer>;
  /** Starts a command whose streams the caller drives. */
  start(
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ): ChildProcessByStdio<Writable, Readable, Readable>;
  /** Ends what was started. */
  close(): void;
}

const maxOutput = 256 * 1024 * 1024;
const settings = ['-c', 'core.hooksPath=/dev/null', '-c', 'core.quotePath=false'];

/** @param home An empty folder: no configuration, credentials or hooks of the user are found. */
export function createGit(home: string): Git {
  mkdirSync(home, { recursive: true });
  const base = {
    PATH: process.env['PATH'],
    HOME: home,
    XDG_CONFIG_HOME: home,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_OPTIONAL_LOCKS: '0',
  };
  const running = new Set<ChildProcess>();
  return {
    read: (folder, args, input) =>
      new Promise((resolve, reject) => {
        const child = execFile(
          'git',
          [...settings, '--git-dir', folder, ...args],
          { env: base, encoding: 'buffer', maxBuffer: maxOutput },
          (error, stdout) => (error === null ? resolve(stdout) : reject(error)),
        );
        // A command that does not read its input may be gone already.
        child.stdin?.on('error', () => undefined).end(input);
      }),
    start: (args, environment = {}) => {
      const child = spawn('git', [...settings, ...args], {
        env: { ...base, ...environment },
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      running.add(child);
      child.once('close', () => running.delete(child));
      return child;
    },
    close: () => {
      for (const child of running) child.kill();
    },
  };
}
