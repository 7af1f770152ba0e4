import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { eventually } from './eventually.ts';

/** A program that runs in the background of a suite. */
export interface Daemon {
  readonly pid: number;
  /** Its newest lines. */
  output(): string;
  /** SIGTERM, and SIGKILL if it does not end by that. */
  stop(): Promise<void>;
  /** As a power cut would. */
  kill(): Promise<void>;
}

const keptLines = 40;

/**
 * Starts a program and waits until `probe` holds.
 *
 * @throws Error with its newest lines, if it ends or is not there after `timeoutMs`.
 */
export async function startDaemon(
  command: readonly [string, ...string[]],
  probe: () => Promise<unknown>,
  {
    timeoutMs = 30_000,
    env = process.env,
  }: { timeoutMs?: number; env?: Record<string, string | undefined> } = {},
): Promise<Daemon> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > keptLines) lines.shift();
    });
  }
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      lines.push(error.message);
      resolve();
    });
  });
  const output = (): string => lines.join('\n');
  const failed = ended.then(() => {
    throw new Error(`${program} ended:\n${output()}`);
  });
  failed.catch(() => undefined);
  try {
    await Promise.race([eventually(probe, { timeoutMs, everyMs: 100 }), failed]);
  } catch (error) {
    await end(child, ended, 'SIGKILL');
    throw new Error(`${program} did not start:\n${output()}`, { cause: error });
  }
  return {
    pid: child.pid ?? 0,
    output,
    stop: () => end(child, ended, 'SIGTERM'),
    kill: () => end(child, ended, 'SIGKILL'),
  };
}

async function end(
  child: ChildProcess,
  ended: Promise<void>,
  signal: NodeJS.Signals,
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await Promise.race([exit, ended]);
  clearTimeout(timer);
}
