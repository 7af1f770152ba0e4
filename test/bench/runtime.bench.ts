/**
 * The function runtime against bare node:http and the shape of the official template (Express behind
 * a forwarding process). Run: `npx tsx test/bench/runtime.bench.ts [rounds]`.
 *
 * Server and load on a core each (taskset, where there is one), 50 keep-alive connections, logs into
 * a pipe that is read, candidates in turns, medians. Times depend on the machine: read the ratios; on a
 * busy one those per second of processor time.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import * as esbuild from 'esbuild';
import { build } from '../../template/node-ts/build.mjs';
import { tempDir } from '../helpers/temp-dir.ts';

const run = promisify(execFile);
const here = import.meta.dirname;
const rounds = Number(process.argv[2] ?? 40);
const warmUps = 10;
const windowMs = 400;
const coldStarts = 15;

const temp = await tempDir();
await cp(join(here, '../../template/node-ts'), temp.path, { recursive: true });
await symlink(join(here, '../../node_modules'), join(temp.path, 'node_modules'));
await writeFile(
  join(temp.path, 'function/handler.ts'),
  `import type { FunctionEvent } from './types.ts';
   export default async (event: FunctionEvent) => ({ text: 'x'.repeat(185), size: event.rawBody.length });`,
);
const { entry } = await build({ contextDir: temp.path, esbuild, log: () => {} });

const candidates = {
  'bare node:http': join(here, 'runtime/bare.mjs'),
  'this runtime': entry,
  'Express alone': join(here, 'runtime/express.mjs'),
  'Express behind a hop': join(here, 'runtime/hop.mjs'),
};
type Candidate = keyof typeof candidates;
const names = Object.keys(candidates) as Candidate[];

const taskset = await run('taskset', ['--version']).then(
  () => true,
  () => false,
);
const onCore = (core: number, argv: string[]): [string, string[]] =>
  taskset && cpus().length > 1
    ? ['taskset', ['-c', String(core), process.execPath, ...argv]]
    : [process.execPath, argv];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Starts a candidate and waits for its first 200; gives the milliseconds that took. */
async function start(name: Candidate): Promise<{ child: ChildProcess; port: number; ms: number }> {
  const port = await freePort();
  const env = {
    PATH: process.env['PATH'],
    NODE_ENV: 'production',
    port: String(port),
    metrics_port: 'off',
    suppress_lock: 'true',
    healthcheck_interval: '0',
  };
  const began = performance.now();
  const [command, argv] = onCore(0, [candidates[name]]);
  const child = spawn(command, argv, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr?.resume();
  while (!(await answers(port))) {
    if (performance.now() - began > 20_000) throw new Error(`${name} did not start.`);
    await delay(2);
  }
  return { child, port, ms: performance.now() - began };
}

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const headers = { 'X-Call-Id': 'cold-start' };
    request({ host: '127.0.0.1', port, path: '/', headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .on('error', () => resolve(false))
      .end();
  });

async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

/** The processes of a candidate: itself and its children. */
async function family(pid: number | undefined): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return [Number(pid), ...children.split(' ').filter(Boolean).map(Number)];
}

/** Resident memory, in MB. */
async function memory(pid: number | undefined): Promise<number> {
  let kilobytes = 0;
  for (const id of await family(pid)) {
    const status = await readFile(`/proc/${id}/status`, 'utf8');
    kilobytes += Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
  }
  return kilobytes / 1024;
}

interface Window {
  readonly round: number;
  readonly name: Candidate;
  readonly method: 'GET' | 'POST';
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

async function load(targets: readonly object[]): Promise<Window[]> {
  const plan = { targets, connections: 50, windowMs, rounds: warmUps + rounds };
  const { stdout } = await run(
    ...onCore(1, [join(here, 'runtime/load.mjs'), JSON.stringify(plan)]),
  );
  return JSON.parse(stdout);
}

const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const collect = () => new Map(names.map((name) => [name, [] as number[]]));
const figures = {
  cold: collect(),
  idle: collect(),
  GET: collect(),
  'GET cpu': collect(),
  POST: collect(),
  'POST cpu': collect(),
  loaded: collect(),
};

for (let index = 0; index < coldStarts; index++) {
  for (const name of names) {
    const { child, ms } = await start(name);
    figures.cold.get(name)?.push(ms);
    await stop(child);
  }
}
const running = new Map<Candidate, { child: ChildProcess; port: number }>();
for (const name of names) running.set(name, await start(name));
await delay(1000);
const targets: object[] = [];
for (const [name, { child, port }] of running) {
  figures.idle.get(name)?.push(await memory(child.pid));
  targets.push({ name, port, pids: await family(child.pid) });
}
for (const { round, name, method, perSecond, perCpuSecond } of await load(targets)) {
  if (round < warmUps) continue;
  figures[method].get(name)?.push(perSecond);
  figures[`${method} cpu`].get(name)?.push(perCpuSecond);
}
for (const [name, { child }] of running) {
  figures.loaded.get(name)?.push(await memory(child.pid));
  await stop(child);
}
await temp.remove();

const base = 'bare node:http';
const of = (kind: keyof typeof figures, name: Candidate) => median(figures[kind].get(name) ?? []);
/** The median of the ratios of neighbours in time. */
function ratio(kind: keyof typeof figures, name: Candidate): string {
  const own = figures[kind].get(name) ?? [];
  const reference = figures[kind].get(base) ?? [];
  const ratios = own.map((value, at) => value / (reference[at] ?? Number.NaN));
  return `${median(ratios).toFixed(2)} (${of(kind, name).toFixed(0)})`;
}

console.log(
  `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}, taskset: ${taskset}`,
);
console.log(
  `Ratios to ${base}; in brackets requests/s, ms, MB. ${rounds} windows of ${windowMs} ms each.`,
);
console.table(
  Object.fromEntries(
    names.map((name) => [
      name,
      {
        'GET/s': ratio('GET', name),
        'GET/cpu s': ratio('GET cpu', name),
        'POST 200 B/s': ratio('POST', name),
        'POST/cpu s': ratio('POST cpu', name),
        'cold start': ratio('cold', name),
        'RSS idle': ratio('idle', name),
        'RSS after load': ratio('loaded', name),
      },
    ]),
  ),
);
