/**
 * A webhook until its 202: through of-router and github-event, recorded in the object store and handed
 * to the durable queue. Run on an idle machine: `npx tsx test/bench/webhook.bench.ts`.
 *
 * The reference in the same run is a bare Node server that checks the signature, parses the event and
 * answers: see `webhook/bare.mjs`. The events are pushes to a branch that is not built, so that no build
 * runs meanwhile; what github-push does with them does. The aim is 100 ms.
 */
import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { githubPayload, hubSignature } from '../helpers/github-webhook.ts';
import { httpGet } from '../helpers/http-get.ts';
import { secretOf, startPlatformProcess } from '../helpers/platform-process.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const [warmUp, count, concurrency] = [20, 200, 8];
const at = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
const show = (what: string, times: readonly number[]): void =>
  console.log(
    `${what.padEnd(44)}p50 ${at(times, 0.5).toFixed(1)} ms, p99 ${at(times, 0.99).toFixed(1)} ms`,
  );

const folder = await tempDir();
const platform = await startPlatformProcess(folder.path, ['--port', '0']);
const secret = await secretOf(platform, 'github-webhook-secret');
const base = `http://127.0.0.1:${platform.port}`;

const bare = spawn(
  process.execPath,
  [fileURLToPath(new URL('./webhook/bare.mjs', import.meta.url))],
  { env: { secret }, stdio: ['ignore', 'pipe', 'inherit'] },
);
const [port] = (await once(bare.stdout, 'data')) as [Buffer];
const reference = `http://127.0.0.1:${String(port).trim()}/`;

/** Sends one event that nobody has seen, and gives the milliseconds until its answer was read. */
async function deliver(url: string, host: string): Promise<number> {
  const payload = githubPayload('push-apr');
  const { default_branch: branch } = payload.repository;
  payload.ref = `refs/heads/not-${branch}`;
  payload.after = randomBytes(20).toString('hex');
  payload.repository.clone_url = `${base}/git/${payload.repository.full_name}.git`;
  const body = JSON.stringify(payload);
  const headers = {
    host,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'x-github-event': 'push',
    'x-github-delivery': randomUUID(),
    'x-hub-signature-256': hubSignature(body, secret),
  };
  const begin = performance.now();
  const { status, text } = await httpGet(url, headers, { method: 'POST', body });
  if (status !== 202) throw new Error(`${status} ${text}`);
  return performance.now() - begin;
}

async function load(url: string, host: string, parallel: number): Promise<number[]> {
  const times: number[] = [];
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) times.push(await deliver(url, host));
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return times;
}

console.log(`${cpus().length} cores (${cpus()[0]?.model}), Node ${process.version}, ${count} each`);
const target = [`${base}/github-event`, `system.localhost:${platform.port}`] as const;
for (let index = 0; index < warmUp; index += 1) {
  await deliver(...target);
  await deliver(reference, 'localhost');
}
for (const parallel of [1, concurrency]) {
  const floor = await load(reference, 'localhost', parallel);
  const times = await load(...target, parallel);
  show(`reference, ${parallel} at a time`, floor);
  show(`webhook until 202, ${parallel} at a time`, times);
  console.log(
    `${''.padEnd(44)}${(at(times, 0.5) / at(floor, 0.5)).toFixed(1)} × reference at the median`,
  );
}
bare.kill();
await platform.stop();
await folder.remove();
process.exit();
