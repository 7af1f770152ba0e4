/**
 * The embedded gateway against its function called directly, and its durable queue.
 * Run: `npx tsx test/bench/gateway.bench.ts`.
 *
 * Gateway and function share one process, the load is another; 200-byte answers. Times depend on
 * the machine: read the ratios.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Pool } from 'undici';

type Report = { direct: number; gateway: number } | { hop: string; ms: number };

const child = fork(new URL('./gateway/server.ts', import.meta.url), {
  execArgv: ['--import', 'tsx'],
});
const [ports] = (await once(child, 'message')) as [{ direct: number; gateway: number }];
const arrivals: { hop: string; ms: number }[] = [];
child.on('message', (report: Report) => {
  if ('hop' in report) arrivals.push(report);
});

const gatewayUrl = `http://127.0.0.1:${ports.gateway}`;
const direct = new Pool(`http://127.0.0.1:${ports.direct}`);
const gateway = new Pool(gatewayUrl);

const at = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
const show = (what: string, value: string): void => console.log(`${what.padEnd(52)}${value}`);

async function load(
  pool: Pool,
  path: string,
  { count, concurrency, post = false }: { count: number; concurrency: number; post?: boolean },
): Promise<{ times: number[]; perSecond: number }> {
  const times: number[] = [];
  let left = count;
  const start = performance.now();
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const begin = performance.now();
      const answer = await pool.request(
        post ? { method: 'POST', path, body: 'x'.repeat(200) } : { method: 'GET', path },
      );
      await answer.body.dump();
      times.push(performance.now() - begin);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return { times, perSecond: (count * 1000) / (performance.now() - start) };
}

for (const warm of [1, 2]) {
  await load(direct, '/', { count: 2000 * warm, concurrency: 20 });
  await load(gateway, '/function/f', { count: 2000 * warm, concurrency: 20 });
}
const one = { count: 3000, concurrency: 1 };
const alone = await load(direct, '/', one);
const through = await load(gateway, '/function/f', one);
const p50 = [at(alone.times, 0.5), at(through.times, 0.5)] as const;
show('sync call, one at a time, p50: direct', `${p50[0].toFixed(3)} ms`);
show(
  'sync call, one at a time, p50: gateway',
  `${p50[1].toFixed(3)} ms (+${(p50[1] - p50[0]).toFixed(3)})`,
);
const many = { count: 20_000, concurrency: 50 };
const direct50 = (await load(direct, '/', many)).perSecond;
const gateway50 = await load(gateway, '/function/f', many);
show('sync calls, 50 at a time: direct', `${direct50.toFixed(0)}/s`);
show(
  'sync calls, 50 at a time: gateway',
  `${gateway50.perSecond.toFixed(0)}/s (${(gateway50.perSecond / direct50).toFixed(2)} of direct), p99 ${at(gateway50.times, 0.99).toFixed(1)} ms`,
);

async function waitForArrivals(count: number): Promise<void> {
  while (arrivals.length < count) await once(child, 'message');
}
const now = (): string => String(performance.timeOrigin + performance.now());
for (let sent = 0; sent < 300; sent++) {
  const answer = await gateway.request({
    method: 'POST',
    path: '/async-function/f/last',
    headers: { 'x-sent-at': now() },
    body: 'x'.repeat(1024),
  });
  await answer.body.dump();
  await waitForArrivals(sent + 1);
}
const hop = arrivals.splice(0).map(({ ms }) => ms);
show(
  'async call, sent to delivered, p50 / p99',
  `${at(hop, 0.5).toFixed(2)} / ${at(hop, 0.99).toFixed(2)} ms`,
);

for (let sent = 0; sent < 200; sent++) {
  const answer = await gateway.request({
    method: 'POST',
    path: '/async-function/f/first',
    headers: { 'x-sent-at': now(), 'x-callback-url': `${gatewayUrl}/async-function/f/second` },
    body: 'x'.repeat(1024),
  });
  await answer.body.dump();
  await waitForArrivals(2 * sent + 2);
}
const second = arrivals.splice(0).filter(({ hop: path }) => path === '/second');
show(
  'and its callback, sent to delivered, p50',
  `${at(
    second.map(({ ms }) => ms),
    0.5,
  ).toFixed(2)} ms`,
);

for (const concurrency of [1, 64, 256]) {
  const queued = await load(gateway, '/async-function/f', {
    count: concurrency === 1 ? 500 : 10_000,
    concurrency,
    post: true,
  });
  show(
    `async calls taken, ${concurrency} at a time (each flushed)`,
    `${queued.perSecond.toFixed(0)}/s`,
  );
}
await direct.close();
await gateway.close();
child.disconnect();
