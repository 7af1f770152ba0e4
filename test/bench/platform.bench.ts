/**
 * The whole platform on this machine: start, push to live, memory. Run on an idle machine:
 * `npx tsx test/bench/platform.bench.ts`.
 *
 * Push to live is from the start of `git push` until a request to the pretty URL gets the new answer.
 * The reference is the least that this can cost here: see `platform/reference.ts`. Medians of five.
 */

import { readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseOwner, parseRepoName } from '#shared/names.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import { formatTimeLine, timeLine } from '#shared/pipeline/time-line.ts';
import { answering, deploymentsOn, stackFile } from '../helpers/deployments.ts';
import { freePort } from '../helpers/free-port.ts';
import type { GitRepo, RepoFiles } from '../helpers/git-repo.ts';
import {
  type PlatformProcess,
  secretOf,
  startPlatformProcess,
} from '../helpers/platform-process.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { type Memory, treeMemory } from './platform/memory.ts';
import { reference } from './platform/reference.ts';

// It tells at length that its releases of 2027 will want Node 22.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
const rounds = 5;
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const show = (what: string, value: string): void => console.log(`${what.padEnd(58)}${value}`);
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const megabytes = ({ resident, proportional, processes }: Memory): string =>
  `${resident} MB resident, ${proportional} MB proportional, ${processes} processes`;

console.log(
  `${cpus().length} cores (${cpus()[0]?.model}), ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`,
);
const bases: number[] = [];
for (let round = 0; round < rounds; round += 1) bases.push(await reference());
const base = median(bases);
show('reference: git push to a folder + bare Node server', seconds(base));

const folder = await tempDir();
let port: number | undefined;
let platform: PlatformProcess = await timed('first start, no sample', () => start());
const on = deploymentsOn(() => platform);
const ten = Array.from({ length: 10 }, (_, index) => `fn-${index}`);
const one = await on.repo('alice', 'one');
const many = await on.repo('alice', 'many');
await pushUntilLive('cold push of one function', one, ['one'], { 'stack.yml': stackFile('one') });
await warm('warm push of one function', one, ['one'], ['one']);
await firstCheck();
await pushUntilLive('first push of ten functions', many, ten, { 'stack.yml': stackFile(...ten) });
await warm('warm push of ten functions, all changed', many, ten, ten);
await warm('warm push of ten functions, one changed', many, ten, ['fn-3']);
console.log('\nThe last one, step by step:');
console.log(await lastTimeLine());
show('\nmemory while deploying ten functions, peak', megabytes(await peakMemory()));

await platform.stop();
platform = await timed('second start', () => start('--idle', '5s'));
await delay(25_000);
show('memory at rest, functions scaled to zero', megabytes(treeMemory(platform.pid)));
await platform.stop();
await Promise.all([one.remove(), many.remove(), folder.remove()]);
process.exit();

/** Reading it takes so much time that no push is measured meanwhile. */
async function peakMemory(): Promise<Memory> {
  let peak = treeMemory(platform.pid);
  const watching = setInterval(() => {
    const now = treeMemory(platform.pid);
    if (now.proportional > peak.proportional) peak = now;
  }, 250);
  await push(many, ten, ten, {});
  clearInterval(watching);
  return peak;
}

/** On the same port each time, as without options. */
async function start(...args: string[]): Promise<PlatformProcess> {
  port ??= await freePort();
  return startPlatformProcess(folder.path, ['--port', String(port), ...args]);
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  show(what, seconds(performance.now() - began));
  return result;
}

async function warm(
  what: string,
  repo: GitRepo,
  functions: readonly string[],
  changed: readonly string[],
): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1)
    times.push(await push(repo, functions, changed, {}));
  const took = median(times);
  const spread = `${seconds(Math.min(...times))} to ${seconds(Math.max(...times))}`;
  show(what, `${seconds(took)}, ${(took / base).toFixed(1)} × reference (${spread})`);
}

async function pushUntilLive(
  what: string,
  repo: GitRepo,
  functions: readonly string[],
  files: RepoFiles,
): Promise<void> {
  const took = await push(repo, functions, functions, files);
  show(what, `${seconds(took)}, ${(took / base).toFixed(1)} × reference`);
}

/** Milliseconds from the start of `git push` until all changed functions give their new answer. */
async function push(
  repo: GitRepo,
  functions: readonly string[],
  changed: readonly string[],
  files: RepoFiles,
): Promise<number> {
  const text = String(Math.random());
  const handlers = changed.map((name) => [`${name}/handler.ts`, answering(text)] as const);
  const sha = await repo.commit({ ...files, ...Object.fromEntries(handlers) });
  const began = performance.now();
  await repo.push();
  // One after the other, so that asking takes little of what is measured.
  for (const name of changed) {
    while ((await on.call('alice', `/${name}`)).text !== text) await delay(20);
  }
  const took = performance.now() - began;
  await on.completed('alice', functions.length === 1 ? 'one' : 'many', sha);
  return took;
}

/** From the start of `git push` until the commit has a check that says it is at work; its own pushes. */
async function firstCheck(): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const sha = await one.commit({ 'one/handler.ts': answering(String(Math.random())) });
    const began = performance.now();
    await one.push();
    while ((await on.checks('alice', 'one', sha)).length === 0) await delay(10);
    times.push(performance.now() - began);
    await on.completed('alice', 'one', sha);
  }
  show('first check of a warm push', seconds(median(times)));
}

async function lastTimeLine(): Promise<string> {
  const store = createS3ObjectStore({
    endpoint: `http://127.0.0.1:${await readFile(join(folder.path, 'store-port'), 'utf8')}`,
    region: 'us-east-1',
    bucket: 'pipeline',
    accessKey: await secretOf(platform, 's3-access-key'),
    secretKey: await secretOf(platform, 's3-secret-key'),
  });
  const records = createRecords(store);
  const newest = (await records.deploymentsOf(parseOwner('alice'), parseRepoName('many'))).at(-1);
  const found = newest === undefined ? undefined : await records.load(newest);
  return found === undefined ? 'no record' : formatTimeLine(timeLine(found));
}
