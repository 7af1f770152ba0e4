import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { eventually } from '../../helpers/eventually.ts';
import { send } from '../../helpers/http-client.ts';
import type { Subject } from './subjects.ts';

const run = promisify(execFile);

/** What one run of wrk gave. Times are milliseconds. */
export interface Sample {
  readonly rate: number;
  /** Requests per CPU second of the server alone. */
  readonly alone: number;
  /** The same, with the CPU time of the auth service that it asks about each request. */
  readonly withAuth: number;
  readonly p50: number;
  readonly p99: number;
}

/** User and system time of a process so far. */
async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The resident memory of a process. */
export async function residentMiB(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? Number.NaN) / 1024);
}

/**
 * Loads a server with wrk.
 *
 * @throws Error if an answer was no success or a connection failed.
 */
export async function load(
  { name, port, pid, auth }: Subject,
  path: string,
  connections: number,
  seconds: number,
): Promise<Sample> {
  const usage = () => Promise.all([cpuSeconds(pid), auth === undefined ? 0 : cpuSeconds(auth.pid)]);
  const before = await usage();
  const { stdout } = await run('wrk', [
    ...['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '20s', '--latency'],
    ...['-H', 'X-Forwarded-Host: alice.example.com', `http://127.0.0.1:${port}${path}`],
  ]);
  const after = await usage();
  const own = after[0] - before[0];
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${name} ${path}: ${stdout}`);
  const [, done = Number.NaN, real, unit] = /(\d+) requests in ([0-9.]+)(s|m)\b/.exec(stdout) ?? [];
  const elapsed = Number(real) * (unit === 'm' ? 60 : 1);
  const time = (share: string): number => {
    const [, value, unit] = new RegExp(`${share}%\\s+([0-9.]+)(us|ms|s)`).exec(stdout) ?? [];
    return Number(value) * (unit === 'us' ? 0.001 : unit === 's' ? 1000 : 1);
  };
  return {
    rate: Number(done) / elapsed,
    alone: Number(done) / own,
    withAuth: Number(done) / (own + after[1] - before[1]),
    p50: time('50'),
    p99: time('99'),
  };
}

/** The resident memory of a server with that many idle connections, which all got an answer before. */
export async function withIdleConnections(
  { pid, port }: Subject,
  count: number,
): Promise<{ mib: number; open: number }> {
  const idle: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    idle.push(socket);
    socket.write('GET /hello HTTP/1.1\r\nHost: x\r\nX-Forwarded-Host: alice.example.com\r\n\r\n');
    if (i % 100 === 99) await once(socket, 'data');
  }
  for (const socket of idle) socket.resume();
  await eventually(() =>
    send(port, '/hello', { headers: { 'x-forwarded-host': 'alice.example.com' } }),
  );
  const mib = await residentMiB(pid);
  const open = idle.filter(({ closed, bytesRead }) => !closed && bytesRead > 0).length;
  for (const socket of idle) socket.destroy();
  return { mib, open };
}

/** Pins a process and its threads to one core, so that it does not share it with its load. */
export async function pin(pid: number, core: number): Promise<void> {
  await run('taskset', ['-a', '-c', '-p', String(core), String(pid)]);
}
