/**
 * From the request to roll back, as the dashboard's page sends it, to the earlier answer at the function's address:
 * on the embedded engine, one function. The first after a start of the platform, and the median of five more.
 *
 * Reference, in the same run: a push that changes the handler, to its new answer.
 *
 * Run: npx tsx test/bench/roll-back.bench.ts
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { DeploymentPage } from '../../functions/dashboard/api/schemas.ts';
import { answering, deploymentsOn, stackFile } from '../helpers/deployments.ts';
import { type PlatformProcess, startPlatformProcess } from '../helpers/platform-process.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { TestBrowser } from '../helpers/test-browser.ts';

const rounds = 5;
const folder = await tempDir();
let platform: PlatformProcess = await startPlatformProcess(folder.path, ['--port', '0']);
const on = deploymentsOn(() => platform);
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** Seconds from `act` to the answer that is waited for. */
async function until(answer: string, act: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await act();
  while ((await on.call('alice', '/bench')).text !== answer) await delay(10);
  return (performance.now() - begun) / 1000;
}

try {
  const repo = await on.repo('alice', 'bench');
  const push = async (text: string): Promise<string> => {
    const sha = await repo.commit({
      'stack.yml': stackFile('bench'),
      'bench/handler.ts': answering(text),
    });
    await repo.push();
    return sha;
  };
  await on.completed('alice', 'bench', await push('one'));
  let sha = '';
  const pushed = await until('two', async () => {
    sha = await push('two');
  });
  await on.completed('alice', 'bench', sha);
  await repo.remove();
  await platform.stop();
  platform = await startPlatformProcess(folder.path, ['--port', '0']);

  const api = `http://system.localhost:${platform.port}/dashboard/api/`;
  const browser = new TestBrowser(platform.port);
  await browser.signIn(`http://system.localhost:${platform.port}/dashboard/`, 'alice');
  const list = async () => {
    const answer = await browser.get(`${api}deployments?owner=alice`);
    return (JSON.parse(answer.text) as DeploymentPage).deployments;
  };
  const [two, one] = (await list()).map(({ id }) => id);
  const rollBack = (id: string | undefined, answer: string) =>
    until(answer, async () => {
      const begun = await browser.postJson(`${api}roll-back`, {
        owner: 'alice',
        repo: 'bench',
        id,
      });
      if (begun.status !== 200) throw new Error(`${begun.status} ${begun.text}`);
    });
  const settled = async () => {
    while ((await list()).some(({ endedAt }) => endedAt === null)) await delay(50);
  };
  const first = await rollBack(one, 'one');
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await settled();
    seconds.push(await (round % 2 === 0 ? rollBack(two, 'two') : rollBack(one, 'one')));
  }
  const warm = median(seconds);
  console.log(
    `roll-back: first after a start ${first.toFixed(2)} s, then ${warm.toFixed(2)} s; ` +
      `a push (reference) ${pushed.toFixed(2)} s: ${(first / pushed).toFixed(2)} and ${(warm / pushed).toFixed(2)} times`,
  );
} finally {
  await platform.stop();
  await folder.remove();
}
