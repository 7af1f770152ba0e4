import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';

const start = fileURLToPath(new URL('../../local/start.mjs', import.meta.url));

/** `npm start` as a process of its own. */
export interface PlatformProcess {
  readonly port: number;
  readonly pid: number;
  readonly data: string;
  /** Everything it printed so far. */
  output(): string;
  /** Ctrl-C, and the end of it. */
  stop(): Promise<number | null>;
  /** As a power cut would: no clean-up. */
  kill(): Promise<void>;
}

/**
 * Starts the platform in a folder and waits for its `Ready:` line. Functions are processes, whatever
 * this machine has, unless `args` say otherwise.
 *
 * @throws Error with what it printed, if it ends before.
 */
export async function startPlatformProcess(
  data: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<PlatformProcess> {
  const engine = args.includes('--engine') ? [] : ['--engine', 'process'];
  const options = ['--data', data, '--no-sample', ...engine, ...args];
  // As package.json's `start` says.
  const child = spawn(process.execPath, ['--max-semi-space-size=4', start, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  }
  const exited = once(child, 'exit');
  const port = await eventually(
    () => {
      const found = lines.map(
        (line) => /^Ready: http:\/\/system\.localhost:(\d+)\//.exec(line)?.[1],
      );
      const ready = found.find((value) => value !== undefined);
      if (ready !== undefined) return Number(ready);
      if (child.exitCode !== null) return -1;
      throw new Error(`The platform is not ready:\n${lines.join('\n')}`);
    },
    { timeoutMs: 280_000, everyMs: 50 },
  ).catch(async (error: unknown) => {
    await end(child, exited, 'SIGKILL');
    throw error;
  });
  if (port === -1) throw new Error(`The platform ended:\n${lines.join('\n')}`);
  return {
    port,
    pid: child.pid ?? 0,
    data,
    output: () => lines.join('\n'),
    stop: () => end(child, exited, 'SIGINT'),
    async kill() {
      await end(child, exited, 'SIGKILL');
    },
  };
}

async function end(
  child: ChildProcess,
  exited: Promise<unknown[]>,
  signal: NodeJS.Signals,
): Promise<number | null> {
  if (child.exitCode === null) child.kill(signal);
  await exited;
  return child.exitCode;
}

/** A secret of a platform that runs in `data`. */
export async function secretOf({ data }: PlatformProcess, name: string): Promise<string> {
  return (await readFile(join(data, 'secrets', name), 'utf8')).trim();
}
