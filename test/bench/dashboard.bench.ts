/**
 * The dashboard with much to show: 500 functions of one owner with an hour of samples each, 5,000 deployments in
 * 20 repos, a build log of 50,000 lines. Everything is real but the gateway: the embedded S3 store on disk,
 * list-functions, system-metrics, pipeline-log, the embedded query API, and Chromium where it is installed.
 *
 * Reference of the answers: the cheapest one (`me`). Of the pages: one without a list, in the same browser. Computing
 * time is that of all parts together, which share the process here.
 *
 * Run: node --import tsx test/bench/dashboard.bench.ts
 */
import { cpus } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { startChromium } from '../helpers/chromium.ts';
import { httpGet } from '../helpers/http-get.ts';
import { testPush } from '../helpers/pipeline-fixtures.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { type Visit, visit } from './dashboard/browsing.ts';
import { amounts, built, fillStore } from './dashboard/past.ts';
import { startPlatform } from './dashboard/platform.ts';

const rounds = 15;
const visits = 5;
const now = Date.now();
const folder = await tempDir();
const deployments = await fillStore(join(folder.path, 's3'), now);
const platform = await startPlatform(folder.path, deployments, now);
console.log(
  `${cpus()[0]?.model}, Node ${process.version}. Filled in ${((Date.now() - now) / 1000).toFixed(0)} s.`,
);

const newest = deployments.at(-1) ?? testPush();
const middle = deployments[amounts.deployments / 2] ?? newest;
const of = `owner=alice&repo=${newest.repo}&id=${newest.id}`;
const questions: Readonly<Record<string, string>> = {
  'me (reference)': 'me',
  '500 functions, 1 h': 'functions?owner=alice',
  '500 functions, 7 days': 'functions?owner=alice&window=168h',
  'one function': 'function?owner=alice&function=fn-1',
  'its charts, 1 h': 'function-traffic?owner=alice&function=fn-1',
  'its charts, 7 days': 'function-traffic?owner=alice&function=fn-1&window=168h',
  'newest of 5,000 deployments': 'deployments?owner=alice',
  'a page in the middle of them': `deployments?owner=alice&before=${middle.id}`,
  'those of one repo': 'deployments?owner=alice&repo=repo-1',
  'one deployment': `deployment?${of}`,
  '50,000 lines of log': `build-log?${of}&function=${built.key}`,
};
const middleOf = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
let reference = 0;
for (const [title, question] of Object.entries(questions)) {
  const url = `${platform.url}/dashboard/api/${question}`;
  const begun = performance.now();
  const first = await httpGet(url);
  const firstMs = performance.now() - begun;
  if (first.status !== 200) throw new Error(`${title}: ${first.status} ${first.text}`);
  const times: number[] = [];
  const before = process.cpuUsage();
  for (let round = 0; round < rounds; round += 1) {
    const from = performance.now();
    await httpGet(url);
    times.push(performance.now() - from);
  }
  const { user, system } = process.cpuUsage(before);
  const cpuMs = (user + system) / 1000 / rounds;
  if (reference === 0) reference = cpuMs;
  const kilobytes = Buffer.byteLength(first.text) / 1024;
  console.log(
    `${title.padEnd(29)} computing ${cpuMs.toFixed(1).padStart(6)} ms = ${(cpuMs / reference).toFixed(1).padStart(5)} × me; ` +
      `median ${middleOf(times).toFixed(0)} ms, first ${firstMs.toFixed(0)} ms; ` +
      `${kilobytes.toFixed(0)} KB (${(gzipSync(first.text).length / 1024).toFixed(0)} gzip)`,
  );
}

const browser = await startChromium().catch(() => undefined);
if (browser === undefined) console.log('Chromium is not installed: no pages.');
else {
  const push = `/dashboard/alice/deployments/${newest.repo}/${newest.id}`;
  const pages: Readonly<Record<string, [path: string, ready: string, scroller: string]>> = {
    'nothing (reference)': ['/dashboard/nobody', '.empty', 'body'],
    '500 functions': ['/dashboard/alice', 'table.rows tbody tr a', 'html'],
    '5,000 deployments': ['/dashboard/alice/deployments', '.pushes .badge', 'html'],
    'one function': ['/dashboard/alice/functions/fn-1', '.charts canvas', 'html'],
    '50,000 lines of log': [push, '.log .line', '.lines'],
  };
  let blank = 0;
  let blankMs = 0;
  await visit(browser, `${platform.url}/dashboard/nobody`, '.empty', 'body');
  for (const [title, [path, ready, scroller]] of Object.entries(pages)) {
    const seen: Visit[] = [];
    for (let round = 0; round < visits; round += 1) {
      seen.push(await visit(browser, platform.url + path, ready, scroller));
    }
    const usable = middleOf(seen.map(({ usableMs }) => usableMs));
    if (blank === 0) blank = usable;
    const frames = seen[0]?.scroll.frames ?? 1;
    const of = (pick: (one: Visit) => number) => middleOf(seen.map(pick));
    const threadMs = of((one) => one.threadMs);
    if (blankMs === 0) blankMs = threadMs;
    console.log(
      `page: ${title.padEnd(20)} usable after ${usable.toFixed(0).padStart(5)} ms = ${(usable / blank).toFixed(1)} × the empty one; ` +
        `computing ${threadMs.toFixed(0)} ms = ${(threadMs / blankMs).toFixed(1)} ×; ` +
        `${(of(({ bytes }) => bytes) / 1024).toFixed(0)} KB, ${of(({ elements }) => elements)} elements; longest task ${of(({ longestTaskMs }) => longestTaskMs).toFixed(0)} ms; ` +
        `scrolling: ${(of(({ scroll }) => scroll.threadMs) / frames).toFixed(1)} ms a frame, longest task ${of(({ scroll }) => scroll.longestTaskMs).toFixed(0)} ms, ` +
        `${of(({ scroll }) => scroll.slowFrames)} of ${frames} frames over 50 ms`,
    );
  }
  await browser.close();
}
await platform.close();
await folder.remove();
process.exit();
