/**
 * What of-router adds to a request: the same upstream asked directly and through the router, in
 * turn. Run: `npx tsx test/bench/router.bench.ts [requests]`.
 *
 * Three processes on one machine, 200-byte answers, keep-alive, decisions and index kept in memory.
 * First one request at a time, for latency; then 50 at once, for throughput and CPU per request.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';

const count = Number(process.argv[2] ?? 5000);
const rounds = 3;

function start(file: string, ...args: string[]): ChildProcess {
  const path = join(import.meta.dirname, 'router', file);
  const options = { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] as const };
  const child = fork(path, args, {
    ...options,
    stdio: [...options.stdio],
    execArgv: ['--import', 'tsx'],
  });
  child.stderr?.resume();
  return child;
}

async function message<T>(child: ChildProcess): Promise<T> {
  const [value] = await once(child, 'message');
  return value as T;
}

/** Sockets that idle while the other side has its turn are closed before the server does it. */
const agent = new Agent({ keepAlive: true, maxSockets: 50, timeout: 3000 });
const headers = { 'x-forwarded-host': 'alice.example.com' };

function once200(port: number, path: string): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    request({ port, path, host: '127.0.0.1', agent, headers }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode}`));
      answer.resume();
      answer.once('end', () => resolve(performance.now() - began));
    })
      .once('error', reject)
      .end();
  });
}

async function run(port: number, path: string, parallel: number) {
  const times: number[] = [];
  const began = performance.now();
  const worker = async () => {
    for (let i = 0; i < count / parallel; i++) times.push(await once200(port, path));
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  const seconds = (performance.now() - began) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), rate: times.length / seconds, done: times.length };
}

const upstream = start('upstream.ts');
const { port: direct } = await message<{ port: number }>(upstream);
const router = start('router.ts', String(direct));
const { port: routed } = await message<{ port: number }>(router);
const usage = () => {
  router.send('usage');
  return message<{ cpu: NodeJS.CpuUsage; rss: number }>(router);
};

await run(direct, '/function/alice-hello', 50);
await run(routed, '/hello', 50);
for (const parallel of [1, 50]) {
  for (let round = 1; round <= rounds; round++) {
    const plain = await run(direct, '/function/alice-hello', parallel);
    const before = await usage();
    const through = await run(routed, '/hello', parallel);
    const { cpu, rss } = await usage();
    const used = cpu.user + cpu.system - before.cpu.user - before.cpu.system;
    console.log(
      [
        `${parallel} at once, round ${round}:`,
        `direct p50 ${plain.p50.toFixed(2)} p99 ${plain.p99.toFixed(2)} ms, ${plain.rate.toFixed(0)}/s;`,
        `routed p50 ${through.p50.toFixed(2)} p99 ${through.p99.toFixed(2)} ms, ${through.rate.toFixed(0)}/s;`,
        `added p50 ${(through.p50 - plain.p50).toFixed(2)} ms;`,
        `router ${(used / through.done).toFixed(0)} µs CPU per request, ${(rss / 2 ** 20).toFixed(0)} MiB`,
      ].join(' '),
    );
  }
}
agent.destroy();
upstream.kill();
router.kill();
