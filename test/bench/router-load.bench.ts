/**
 * of-router as it is deployed, under load, beside two references in the same run: a control in Node
 * that does what the original did (asks an auth service about each request over HTTP, then proxies),
 * and nginx with `auth_request` and `proxy_pass`.
 * Run: `npx tsx test/bench/router-load.bench.ts [seconds] [rounds]`; needs wrk, nginx and taskset. About
 * nine minutes with 5 seconds and 3 rounds.
 *
 * The same upstream for all, keep-alive, taken in turn, a second of the same load before each, since what is asked is
 * how it goes on and not how hundreds of connections are opened at once; medians of the rounds. The servers have one core;
 * load, upstream and auth services the other. Added latency is against the upstream asked directly.
 *
 * Requests per CPU second count user and system time (/proc/<pid>/stat), once of the server alone and once
 * with the auth service that it asks about each request: that it need not be asked is what the router's
 * design is for, so the aims hold with it. It says yes to all, which costs less than any real one. The
 * router asks once in five seconds, by the gateway, which is not counted. The router writes its access log,
 * nginx too, the control none.
 */
import { tempDir } from '../helpers/temp-dir.ts';
import { load, pin, residentMiB, type Sample, withIdleConnections } from './router/measure.ts';
import {
  type Subject,
  startControl,
  startNginx,
  startRouter,
  startScript,
} from './router/subjects.ts';

const seconds = Number(process.argv[2] ?? 5);
const rounds = Number(process.argv[3] ?? 3);
const idleConnections = 10_000;
const loads = [
  ['/hello', 1],
  ['/hello', 50],
  ['/hello', 200],
  ['/hello/large', 50],
  ['/hello/large', 200],
  ['/hello/stream', 50],
  ['/hello/stream', 200],
] as const;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const { path: folder, remove } = await tempDir();
const upstream = await startScript('upstream', folder);
const gateway = upstream.port;
const subjects: Subject[] = [
  await startControl(gateway, folder),
  await startNginx(gateway, folder),
  await startRouter(gateway, folder),
];
const direct: Subject = { ...upstream, name: 'direct' };
const [loadCore, serverCore] = [1, 0];
await pin(process.pid, loadCore);
await pin(upstream.pid, loadCore);
for (const { pid, auth } of subjects) {
  await pin(pid, serverCore);
  if (auth !== undefined) await pin(auth.pid, loadCore);
}

const aims: string[] = [];
const aim = (what: string, met: boolean): void => {
  aims.push(`${met ? 'met   ' : 'MISSED'} ${what}`);
};
for (const subject of subjects) await load(subject, '/hello', 50, 2);

for (const [path, connections] of loads) {
  const samples = new Map<string, Sample[]>(
    [...subjects, direct].map(({ name }): [string, Sample[]] => [name, []]),
  );
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) {
      await load(subject, path, connections, 1);
      samples.get(subject.name)?.push(await load(subject, path, connections, seconds));
    }
    const bare = path.replace('/hello', '/function/alice-hello');
    samples.get('direct')?.push(await load(direct, bare, connections, Math.min(seconds, 2)));
  }
  const of = (name: string, field: keyof Sample): number =>
    median((samples.get(name) ?? []).map((sample) => sample[field]));
  for (const { name } of subjects) {
    const times = (field: 'alone' | 'withAuth') =>
      `${of(name, field).toFixed(0)} (${(of(name, field) / of('control', field)).toFixed(2)} × control)`;
    console.log(
      `${path} c=${connections} ${name}: requests per CPU second ${times('alone')} alone, ${times('withAuth')} with auth, ` +
        `${of(name, 'rate').toFixed(0)}/s, p50 ${of(name, 'p50').toFixed(2)} ms (+${(of(name, 'p50') - of('direct', 'p50')).toFixed(2)}), ` +
        `p99 ${of(name, 'p99').toFixed(2)} ms`,
    );
  }
  const times = (name: string) => of('router', 'withAuth') / of(name, 'withAuth');
  const where = `${path} c=${connections}`;
  if (connections === 1) continue;
  if (path === '/hello') {
    aim(`${where}: ${times('control').toFixed(2)} × control, aim 3`, times('control') >= 3);
    aim(`${where}: ${times('nginx').toFixed(2)} × nginx, aim 1`, times('nginx') >= 1);
    const [own, other] = [of('router', 'p99'), of('control', 'p99')];
    aim(`${where}: p99 ${own.toFixed(1)} ms, the control's ${other.toFixed(1)}`, own <= other);
  } else {
    aim(`${where}: ${times('control').toFixed(2)} × control, aim 1`, times('control') >= 1);
  }
}

for (const subject of subjects) {
  const loaded = await residentMiB(subject.pid);
  const { mib, open } = await withIdleConnections(subject, idleConnections);
  console.log(
    `${subject.name}: ${loaded} MiB after the load, ${mib} MiB with ${open} idle connections`,
  );
  if (subject.name !== 'router') continue;
  aim(`${loaded} MiB after the load, aim 120`, loaded < 120);
  aim(`${mib} MiB with ${open} idle connections, aim 300`, mib < 300 && open === idleConnections);
}
console.log(aims.join('\n'));
for (const { child, auth } of [upstream, ...subjects]) {
  child.kill('SIGKILL');
  auth?.child.kill('SIGKILL');
}
await remove();
