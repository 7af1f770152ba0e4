import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../helpers/eventually.ts';
import { send as sendOnce } from '../helpers/http-client.ts';
import { createWorld, type World } from './soak-world.ts';

/** What a soak saw. */
export interface SoakReport {
  readonly requests: number;
  /** How many answers of each status; 0: the connection broke. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Failures while something was really down. */
  readonly excused: number;
  /** Heap after a collection and resident memory in MiB, and open handles: early and at the end. */
  readonly memory: readonly Memory[];
  readonly problems: readonly string[];
}

interface Memory {
  readonly heap: number;
  readonly rss: number;
  readonly handles: number;
}

interface Call {
  readonly path: string;
  readonly host?: string;
  readonly cookie?: string;
  readonly body?: string;
  /** What is right while nothing is down; `function`: as long as that function is deployed. */
  readonly expect: { readonly status: number; readonly body?: string; readonly function?: string };
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
/** How long the router may go on with what it knew: index and decisions. */
const graceMs = 2500;
const names = ['fn0', 'fn1', 'fn2', 'fn3'];

/** Runs the soak for some seconds. */
export async function runRouterSoak(
  seconds: number,
  say: (line: string) => void,
): Promise<SoakReport> {
  const world = await createWorld(names.length);
  const router = fork(join(import.meta.dirname, 'router-process.ts'), [world.url], {
    execArgv: ['--import', 'tsx', '--expose-gc'],
  });
  const [{ port }] = (await once(router, 'message')) as [{ port: number }];
  const statuses: Record<string, number> = {};
  const problems: string[] = [];
  const removed = new Map<string, number>();
  let [requests, excused] = [0, 0];
  // The first answers of processes that have just started may take longer than the router waits.
  await eventually(async () => {
    const headers = { 'x-forwarded-host': 'alice.example.com', cookie: world.cookies.owner };
    const { status } = await sendOnce(port, '/secret/yes', { headers });
    if (status !== 200) throw new Error(`not ready: ${status}`);
  });
  const until = performance.now() + seconds * 1000;

  const one = async (): Promise<void> => {
    const call = randomCall(world.cookies);
    const began = performance.now();
    const version = world.versions.get(call.expect.function ?? '') ?? 0;
    const answer = await send(port, call);
    requests++;
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    const wrong = judge(call, answer, version, world);
    if (wrong === undefined) return;
    const name = call.expect.function ?? '';
    const gone = (removed.get(name) ?? Number.NEGATIVE_INFINITY) > began - graceMs;
    const down = world.outages.some(
      ({ from, to }) => from < performance.now() && to > began - graceMs,
    );
    // Only a failure can be excused, never an answer that nobody should have got.
    const failed = [0, 404, 502, 503, 504].includes(answer.status);
    if (failed && (down || gone)) excused++;
    else if (problems.length < 20) {
      problems.push(`${call.path}: ${wrong}`);
      say(`PROBLEM ${problems.at(-1)}`);
    }
  };
  const worker = async (): Promise<void> => {
    while (performance.now() < until) await one();
  };
  const trouble = async (): Promise<void> => {
    for (let round = 0; performance.now() < until - 4000; round++) {
      const name = names[round % names.length] ?? '';
      world.update(name);
      await delay(300);
      if (round % 3 === 0) {
        removed.set(name, Number.POSITIVE_INFINITY);
        world.remove(name);
        await delay(500);
        world.update(name);
        removed.set(name, performance.now());
      }
      if (round % 5 === 2) await during(1500, (up) => world.auth(up));
      if (round % 7 === 4) await during(800, (up) => world.gateway(up));
      await delay(3000);
    }
  };
  const memory: Memory[] = [];
  const measure = async (): Promise<void> => {
    router.send('memory');
    const [{ heap, rss, handles }] = (await once(router, 'message')) as [Memory];
    const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
    memory.push({ heap: mib(heap), rss: mib(rss), handles });
    say(
      `${requests} requests, ${excused} excused, ${problems.length} problems, ${JSON.stringify(memory.at(-1))}`,
    );
  };
  const watch = async (): Promise<void> => {
    const every = (seconds * 1000) / 8;
    while (performance.now() < until - every / 2) {
      await delay(every);
      await measure();
    }
  };
  await Promise.all([...Array.from({ length: 24 }, worker), trouble(), watch()]);

  agent.destroy();
  await measure();
  if (world.intrusions.length > 0) problems.push(`let through: ${world.intrusions.slice(0, 5)}`);
  const [early, late] = [memory[1], memory.at(-2)];
  // The first eighth fills caches and pools.
  if (early && late && late.heap > early.heap * 1.2 + 6)
    problems.push(`heap ${early.heap} → ${late.heap} MiB`);
  if (early && late && late.rss > early.rss * 1.5 + 40)
    problems.push(`resident memory ${early.rss} → ${late.rss} MiB`);
  router.disconnect();
  await world.close();
  return { requests, statuses, excused, memory, problems };
}

async function during(ms: number, set: (up: boolean) => void | Promise<void>): Promise<void> {
  await set(false);
  await delay(ms);
  await set(true);
}

function randomCall(cookies: World['cookies']): Call {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;
  const name = pick(names);
  const body = `${Math.random()}`.repeat(pick([1, 20, 2000]));
  const ok = { status: 200, function: name };
  return pick<Call>([
    { path: `/${name}`, body, expect: { ...ok, body } },
    { path: `/${name}/x?y`, body, expect: { ...ok, body } },
    { path: `/${name}/stream`, expect: { ...ok, body: 'part'.repeat(5) } },
    { path: `/${name}/large`, expect: { ...ok, body: 'x'.repeat(300_000) } },
    { path: `/${name}/crash`, expect: { status: 502, function: name } },
    { path: `/${name}/cut`, expect: { status: 0, function: name } },
    { path: '/secret', expect: { status: 401 } },
    { path: '/secret', cookie: '__Host-ofc_session=bad', expect: { status: 401 } },
    { path: '/secret', cookie: cookies.forged, expect: { status: 401 } },
    { path: '/secret', cookie: cookies.signedOut, expect: { status: 401 } },
    { path: '/secret', cookie: cookies.other, expect: { status: 401 } },
    { path: '/secret', cookie: cookies.stranger, expect: { status: 403 } },
    { path: '/secret/yes', cookie: cookies.owner, expect: { status: 200, body: 'secret' } },
    { path: '/none', expect: { status: 404 } },
    { path: `/${name}/../secret`, expect: { status: 400 } },
    { path: '/git-tar', host: 'system.example.com', expect: { status: 404 } },
    { path: '/tar', host: 'git.example.com', expect: { status: 404 } },
  ]);
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly version: string;
}

function send(
  port: number,
  { path, host = 'alice.example.com', cookie, body }: Call,
): Promise<Answer> {
  return new Promise((resolve) => {
    const broken = () => resolve({ status: 0, body: '', version: '' });
    const headers = { 'x-forwarded-host': host, ...(cookie === undefined ? {} : { cookie }) };
    const method = body === undefined ? 'GET' : 'PUT';
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers, agent });
    outgoing.on('error', broken);
    outgoing.on('response', (message: IncomingMessage) => {
      let text = '';
      message.setEncoding('latin1').on('data', (piece: string) => {
        text += piece;
      });
      message.on('error', broken);
      message.on('end', () =>
        resolve({
          status: message.statusCode ?? 0,
          body: text,
          version: String(message.headers['x-version'] ?? ''),
        }),
      );
    });
    outgoing.end(body);
  });
}

/** What is wrong with an answer; `undefined` if nothing is. */
function judge(
  call: Call,
  answer: Answer,
  versionBefore: number,
  world: World,
): string | undefined {
  const { status, body, function: name } = call.expect;
  if (answer.status !== status) return `${answer.status} instead of ${status}`;
  if (status !== 200) return undefined;
  if (answer.body !== body) return `another body (${answer.body.length} bytes)`;
  if (name === undefined) return undefined;
  const [key, version] = answer.version.split(':');
  const now = world.versions.get(name) ?? Number.POSITIVE_INFINITY;
  const fits = Number(version) >= versionBefore && Number(version) <= now;
  return key === name && (fits || versionBefore === 0)
    ? undefined
    : `answered by ${answer.version}`;
}
