/**
 * of-router under load, beside two references in the same run: a control in Node that does what the
 * original did (asks an auth service about each request, then proxies), and nginx with `auth_request`
 * and `proxy_pass`. Run: `npx tsx test/bench/router-load.bench.ts [seconds] [rounds]`; needs wrk and nginx.
 *
 * The same upstream for all, keep-alive, taken in turn; medians of the rounds. Requests per CPU second
 * count user and system time of the process under test alone (/proc/<pid>/stat).
 */
import { type ChildProcess, execFile, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const seconds = Number(process.argv[2] ?? 5);
const rounds = Number(process.argv[3] ?? 3);
const run = promisify(execFile);

interface Subject {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
}

interface Sample {
  readonly rate: number;
  readonly perCpuSecond: number;
  readonly p50: number;
  readonly p99: number;
}

const children: ChildProcess[] = [];

async function start(file: string, ...args: string[]): Promise<{ port: number; pid: number }> {
  const child = fork(join(import.meta.dirname, 'router', file), args, {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: ['--import', 'tsx'],
  });
  children.push(child);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { port, pid: child.pid ?? 0 };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** One worker, as of-router is one process. */
async function startNginx(upstream: number, folder: string): Promise<Subject> {
  const port = await freePort();
  const config = `
daemon off; master_process off; error_log ${folder}/error.log; pid ${folder}/pid;
events { worker_connections 20000; }
http {
  access_log ${folder}/access.log; keepalive_requests 1000000;
  client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  upstream gateway { server 127.0.0.1:${upstream}; keepalive 256; }
  server {
    listen 127.0.0.1:${port};
    proxy_http_version 1.1; proxy_set_header Connection "";
    location = /auth {
      internal; proxy_pass_request_body off; proxy_set_header Content-Length "";
      proxy_pass http://gateway/function/of-auth/q/;
    }
    location ~ ^/hello(.*)$ { auth_request /auth; proxy_pass http://gateway/function/alice-hello$1; }
  }
}`;
  const path = join(folder, 'nginx.conf');
  await writeFile(path, config);
  const child = spawn('nginx', ['-c', path], { stdio: 'ignore' });
  children.push(child);
  await delay(500);
  return { name: 'nginx', port, pid: child.pid ?? 0 };
}

async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function residentMiB(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024);
}

async function load({ port, pid }: Subject, path: string, connections: number): Promise<Sample> {
  const before = await cpuSeconds(pid);
  const { stdout } = await run('wrk', [
    ...[
      '-t1',
      `-c${connections}`,
      `-d${seconds}s`,
      '--latency',
      '-H',
      'X-Forwarded-Host: alice.example.com',
    ],
    `http://127.0.0.1:${port}${path}`,
  ]);
  const used = (await cpuSeconds(pid)) - before;
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1] ?? Number.NaN);
  const time = (share: string) => {
    const [, value, unit] = new RegExp(`${share}%\\s+([0-9.]+)(us|ms|s)`).exec(stdout) ?? [];
    return Number(value) * (unit === 'us' ? 0.001 : unit === 's' ? 1000 : 1);
  };
  if (/Non-2xx/.test(stdout)) throw new Error(`${path}: ${stdout}`);
  const done = number(/(\d+) requests in/);
  return { rate: done / seconds, perCpuSecond: done / used, p50: time('50'), p99: time('99') };
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const folder = await mkdtemp(join(tmpdir(), 'router-bench-'));
const upstream = await start('upstream.ts');
const router: Subject = { name: 'router', ...(await start('router.ts', String(upstream.port))) };
const control: Subject = { name: 'control', ...(await start('control.ts', String(upstream.port))) };
const subjects = [control, await startNginx(upstream.port, folder), router];
const direct: Subject = { name: 'direct', ...upstream };

for (const [path, connections] of [
  ['/hello', 50],
  ['/hello', 200],
  ['/hello/large', 50],
  ['/hello/stream', 50],
] as const) {
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) {
      const list = samples.get(subject.name) ?? [];
      list.push(await load(subject, path, connections));
      samples.set(subject.name, list);
    }
  }
  const bare = await load(direct, path.replace('/hello', '/function/alice-hello'), connections);
  const middle = (name: string, of: keyof Sample) =>
    median((samples.get(name) ?? []).map((sample) => sample[of]));
  for (const { name } of subjects) {
    console.log(
      `${path} c=${connections} ${name}: ${middle(name, 'perCpuSecond').toFixed(0)} requests per CPU second ` +
        `(${(middle(name, 'perCpuSecond') / middle('control', 'perCpuSecond')).toFixed(2)} × control), ` +
        `${middle(name, 'rate').toFixed(0)}/s, p50 ${middle(name, 'p50').toFixed(1)} ms ` +
        `(+${(middle(name, 'p50') - bare.p50).toFixed(1)}), p99 ${middle(name, 'p99').toFixed(1)} ms`,
    );
  }
}
for (const { name, pid, port } of subjects) {
  const loaded = await residentMiB(pid);
  const idle: Socket[] = [];
  for (let i = 0; i < 10_000; i++) {
    const socket = connect(port, '127.0.0.1');
    idle.push(socket);
    if (i % 200 === 0) await once(socket, 'connect');
  }
  await delay(2000);
  console.log(
    `${name}: ${loaded} MiB after the load, ${await residentMiB(pid)} MiB with 10,000 idle connections`,
  );
  for (const socket of idle) socket.destroy();
}
for (const child of children) child.kill();
await rm(folder, { recursive: true });
