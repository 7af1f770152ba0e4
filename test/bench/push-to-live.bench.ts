/**
 * From `git push` to the new answer, on Docker Engine (BuildKit, a registry with a password, containers) and,
 * as the reference in the same run, on the embedded engine (processes). Needs root and the Debian packages
 * docker.io, docker-registry, apache2-utils and busybox-static. Run on an idle machine:
 * `npx tsx test/bench/push-to-live.bench.ts`.
 *
 * One function of lang node-ts. Cold: nothing cached but the base image. Warm: only the handler changed; median
 * of three. Unchanged: a commit that changes nothing, until its check is green; median of three. Each with the
 * time line of that run. Takes about two minutes.
 */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseOwner, parseRepoName } from '#shared/names.ts';
import { makeNodeBase } from '../helpers/base-images.ts';
import { startContainerRegistry } from '../helpers/container-registry.ts';
import { answering, deploymentsOn, stackFile } from '../helpers/deployments.ts';
import { startDockerEngine } from '../helpers/docker-engine.ts';
import { type PlatformProcess, startPlatformProcess } from '../helpers/platform-process.ts';
import { storeOf } from '../helpers/platform-store.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { loggedSteps, stepLine } from './platform/steps.ts';

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

interface Timed {
  readonly seconds: number;
  readonly steps: string;
}

const median = (runs: readonly Timed[]): Timed | undefined =>
  [...runs].sort((a, b) => a.seconds - b.seconds)[Math.floor(runs.length / 2)];

async function measure(platform: PlatformProcess, engine: string) {
  const on = deploymentsOn(() => platform, 10 * 60_000);
  const repo = await on.repo('alice', 'bench');
  /** A handler that answers with `text`, or nothing new. */
  const timed = async (text: string | undefined): Promise<Timed> => {
    console.log(`  ${engine}: a push, ${text === undefined ? 'nothing' : 'the handler'} changed`);
    const handler = text === undefined ? {} : { 'bench/handler.ts': answering(text) };
    const sha = await repo.commit({ 'stack.yml': stackFile('bench'), ...handler });
    const began = performance.now();
    await repo.push();
    if (text !== undefined) {
      while ((await on.call('alice', '/bench')).text !== text) await delay(20);
    } else await on.completed('alice', 'bench', sha);
    const seconds = (performance.now() - began) / 1000;
    await on.completed('alice', 'bench', sha);
    const { records } = await storeOf(platform);
    const newest = (await records.deploymentsOf(parseOwner('alice'), parseRepoName('bench'))).at(
      -1,
    );
    const found = newest && (await records.load(newest));
    if (found === undefined) throw new Error('The push has left no record.');
    const within = await loggedSteps(platform.data, found);
    const build = within.length === 0 ? [] : ['  of the build, by its log:', ...within];
    return { seconds, steps: [await stepLine(platform.data, found), ...build].join('\n') };
  };
  const cold = await timed('first');
  const warm: Timed[] = [];
  for (const text of ['a', 'b', 'c']) warm.push(await timed(text));
  const unchanged: Timed[] = [];
  for (let count = 0; count < 3; count += 1) unchanged.push(await timed(undefined));
  await repo.remove();
  return { cold, warm: median(warm), unchanged: median(unchanged) };
}

console.log(`${cpus().length} cores (${cpus()[0]?.model}), Node ${process.version}`);
const folder = await tempDir();
const [engine, registry] = await Promise.all([startDockerEngine(), startContainerRegistry()]);
let platform: PlatformProcess | undefined;
try {
  await makeNodeBase(engine.docker);
  const config = join(folder.path, 'config.json');
  await writeFile(config, registry.dockerConfig);
  const images = ['--registry', `${registry.address}/users`, '--docker-config', config];
  platform = await startPlatformProcess(
    join(folder.path, 'docker'),
    ['--port', '0', '--engine', 'docker', ...images],
    { DOCKER_HOST: `unix://${engine.socketPath}` },
  );
  const docker = await measure(platform, 'BuildKit');
  await platform.stop();
  platform = await startPlatformProcess(join(folder.path, 'embedded'), ['--port', '0']);
  const embedded = await measure(platform, 'embedded');
  for (const kind of ['cold', 'warm', 'unchanged'] as const) {
    const [ours, reference] = [docker[kind], embedded[kind]];
    if (ours === undefined || reference === undefined) continue;
    const ratio = (ours.seconds / reference.seconds).toFixed(1);
    const [a, b] = [ours, reference].map(({ seconds }) => seconds.toFixed(2));
    console.log(`\n${kind}: BuildKit ${a} s, embedded ${b} s: ${ratio} times`);
    console.log(`BuildKit\n${ours.steps}\nembedded\n${reference.steps}`);
  }
} finally {
  await platform?.stop();
  await registry.stop();
  await engine.stop();
  await folder.remove();
}
process.exit();
