/**
 * One function of lang node-ts, from a context to an image in a registry: on Docker Engine's BuildKit and,
 * as the reference in the same run, by the embedded builder. Needs root and the Debian packages docker.io,
 * docker-registry, apache2-utils and busybox-static. Run on an idle machine: `npx tsx test/bench/builder.bench.ts`.
 *
 * Cold: nothing cached but the base image. Warm: only the handler changed. Unchanged: the same context again.
 * Warm and unchanged are medians of three. Each build is told as it ends.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Builder } from '#shared/builder/builder.ts';
import { createHttpBuilder } from '#shared/builder/http-builder.ts';
import { createBuildkitBuilder } from '#shared/buildkit/buildkit-builder.ts';
import { createDaemon } from '#shared/buildkit/daemon.ts';
import { parseDaemonAddress } from '#shared/buildkit/daemon-address.ts';
import { parseDockerConfig } from '#shared/buildkit/docker-config.ts';
import { createLogger } from '#shared/log.ts';
import { createRegistryClient } from '#shared/registry/registry-client.ts';
import { createFolderTree } from '#shared/shrinkwrap/folder-tree.ts';
import { defaultSourceLimits } from '#shared/shrinkwrap/limits.ts';
import { shrinkwrap } from '#shared/shrinkwrap/shrinkwrap.ts';
import { createSubTree } from '#shared/shrinkwrap/sub-tree.ts';
import { parseStack } from '#shared/stack-file/parse-stack.ts';
import { parseTemplateYml } from '#shared/stack-file/template-yml.ts';
import { packContext } from '#shared/tar/pack-context.ts';
import { createBuilder } from '../../local/builder/builder-server.ts';
import { makeNodeBase } from '../helpers/base-images.ts';
import { startContainerRegistry } from '../helpers/container-registry.ts';
import { answering, stackFile } from '../helpers/deployments.ts';
import { startDockerEngine } from '../helpers/docker-engine.ts';
import { root } from '../helpers/source-files.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { buildSteps } from './platform/steps.ts';

const folder = await tempDir();
const sources = join(folder.path, 'sources');
await mkdir(join(sources, 'bench'), { recursive: true });
await writeFile(join(sources, 'bench/handler.ts'), answering('hello'));
const { functions } = parseStack(stackFile('bench'));
const [fn] = functions;
if (fn === undefined) throw new Error('The stack has no function.');
const template = createSubTree(createFolderTree(root), 'template/node-ts');
const templateYml = parseTemplateYml(String(await template.read('template.yml')));
const repo = createFolderTree(sources);
const entries = await shrinkwrap({ repo, template, templateYml, fn, copy: [] });

/** The context, with a handler that nobody built before if `mark` is new. */
async function context(mark: string) {
  const marked = entries.map((entry) =>
    entry.kind === 'file' && entry.path === 'function/handler.ts'
      ? { ...entry, content: Buffer.concat([entry.content, Buffer.from(`\n// ${mark}\n`)]) }
      : entry,
  );
  const { tar, digest } = await packContext(marked);
  return { open: async () => Readable.from([tar]), digest };
}

interface Timed {
  readonly seconds: number;
  readonly steps: readonly string[];
}

const [engine, registry] = await Promise.all([startDockerEngine(), startContainerRegistry()]);
const { username, password } = registry;
const daemon = createDaemon(parseDaemonAddress(`docker://${engine.socketPath}`));
const embedded = await createBuilder({
  folder: join(folder.path, 'builder'),
  payloadSecret: 'payload secret',
  log: createLogger({}, () => undefined),
  registry: createRegistryClient({ credentials: () => ({ username, password }) }),
  templateFolder: join(root, 'template/node-ts'),
});

async function timed(builder: Builder, name: string, mark: string): Promise<Timed> {
  const built = await context(mark);
  const log: string[] = [];
  const began = performance.now();
  await builder.build({
    context: built,
    image: `${registry.address}/alice/${name}:${mark}`,
    scope: 'alice/bench',
    buildArgs: fn?.buildArgs ?? {},
    onLog: (line) => log.push(line),
    signal: AbortSignal.timeout(10 * 60_000),
  });
  const seconds = (performance.now() - began) / 1000;
  console.log(`  ${name} ${mark}: ${seconds.toFixed(2)} s`);
  return { seconds, steps: buildSteps(log) };
}

const median = (runs: readonly Timed[]): Timed | undefined =>
  [...runs].sort((a, b) => a.seconds - b.seconds)[Math.floor(runs.length / 2)];

async function measure(builder: Builder, name: string) {
  const cold = await timed(builder, name, 'first');
  const warm: Timed[] = [];
  for (const mark of ['a', 'b', 'c']) warm.push(await timed(builder, name, mark));
  const unchanged: Timed[] = [];
  for (let n = 0; n < 3; n += 1) unchanged.push(await timed(builder, name, 'c'));
  return { cold, warm: median(warm), unchanged: median(unchanged) };
}

try {
  console.log(`${cpus().length} cores (${cpus()[0]?.model}), Node ${process.version}`);
  await makeNodeBase(engine.docker);
  const buildkit = createBuildkitBuilder({
    daemons: [daemon],
    logins: parseDockerConfig(registry.dockerConfig),
    policy: { cache: 'none', provenance: 'min', sbom: 'none', platforms: [] },
    limits: defaultSourceLimits,
    frontends: [],
    waitMs: 10_000,
  });
  const ours = await measure(buildkit, 'buildkit');
  const reference = await measure(createHttpBuilder(embedded.url, 'payload secret'), 'embedded');
  for (const kind of ['cold', 'warm', 'unchanged'] as const) {
    const [a, b] = [ours[kind], reference[kind]];
    if (a === undefined || b === undefined) continue;
    const ratio = (a.seconds / b.seconds).toFixed(1);
    console.log(
      `${kind.padEnd(10)} BuildKit ${a.seconds.toFixed(2)} s, embedded ${b.seconds.toFixed(2)} s: ${ratio} times`,
    );
    for (const step of a.steps) console.log(`             ${step}`);
  }
} finally {
  await daemon.close();
  await embedded.close();
  await engine.stop();
  await registry.stop();
  await folder.remove();
}
