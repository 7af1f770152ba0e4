import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { FunctionDeployment } from '#shared/gateway/function-status.ts';
import { buildKeyOf } from '#shared/pipeline/built-images.ts';
import type { RegistryClient } from '#shared/registry/registry-client.ts';
import { type ScmKind, scmKinds } from '#shared/scm/scm-id.ts';
import { createCachedTree } from '#shared/shrinkwrap/cached-tree.ts';
import type { ContextEntry } from '#shared/shrinkwrap/context-entry.ts';
import { createFolderTree } from '#shared/shrinkwrap/folder-tree.ts';
import { shrinkwrap } from '#shared/shrinkwrap/shrinkwrap.ts';
import type { SourceTree } from '#shared/shrinkwrap/source-tree.ts';
import { createSubTree } from '#shared/shrinkwrap/sub-tree.ts';
import { mergeEnvironment, parseEnvironmentFile } from '#shared/stack-file/environment-file.ts';
import { parseStack } from '#shared/stack-file/parse-stack.ts';
import type { StackFile, StackFunction } from '#shared/stack-file/stack-file.ts';
import { parseTemplateYml } from '#shared/stack-file/template-yml.ts';
import { createOwnBuilder, type OwnBuilder } from '../builder/build-own-function.ts';
import { endEsbuild } from '../builder/esbuild-process.ts';
import { createEntriesDigest } from './entries-digest.ts';

/** What building and deploying the platform's own functions needs. */
export interface PlatformBuild {
  /** The project's root folder, with stack.yml. */
  readonly root: string;
  /** Remembers which image was built from what. */
  readonly recordFile: string;
  readonly registry: string;
  /** With credentials to push there. */
  readonly registryClient: RegistryClient;
  /** Overrides the variables of the files beside stack.yml. */
  readonly environment: Readonly<Record<string, string>>;
  readonly deploy: (deployment: FunctionDeployment) => Promise<void>;
  /** Secrets of functions beside those that stack.yml names. */
  readonly moreSecrets?: Readonly<Record<string, readonly string[]>> | undefined;
  /** The SCMs that are there: functions for the others are left out. */
  readonly scms: readonly ScmKind[];
  /** Gets each function's name when it is deployed. */
  readonly onDeployed: (name: string, built: boolean) => void;
  readonly signal: AbortSignal;
}

const recordSchema = v.record(v.string(), v.object({ buildKey: v.string(), image: v.string() }));
type BuildRecords = v.InferOutput<typeof recordSchema>;

/** What decides how a bundle comes out, beside what goes into it: platforms of earlier versions build anew by it. */
const builderFiles = ['build-own-function.ts', 'function-image.ts', 'lean-packages.mjs'];

/** Builds at a time: while one is bundled, others are packed and deployed. */
const parallelBuilds = 3;

/**
 * Builds what changed of the functions in stack.yml and deploys what is not there as it should be.
 *
 * @throws Error with the bundler's text, or the gateway's refusal.
 */
export async function deployPlatformFunctions(platform: PlatformBuild): Promise<void> {
  const stack = parseStack(await readFile(join(platform.root, 'stack.yml'), 'utf8'));
  const records = await readRecords(platform.recordFile);
  const repo = createCachedTree(createFolderTree(platform.root));
  const digestOf = createEntriesDigest();
  const builder = createOwnBuilder(platform.root);
  const how = await Promise.all(
    builderFiles.map(async (name) => {
      const path = `local/builder/${name}`;
      return { kind: 'file', mode: 0o644, path, content: await repo.read(path) } as const;
    }),
  );
  const waiting = stack.functions.filter(({ key }) => isWanted(key, platform.scms));
  const worker = async (): Promise<void> => {
    try {
      for (let fn = waiting.shift(); fn !== undefined; fn = waiting.shift()) {
        platform.signal.throwIfAborted();
        const before = records[fn.key]?.buildKey;
        const record = await buildFunction(
          platform,
          { repo, stack, digestOf, how, builder },
          fn,
          records,
        );
        records[fn.key] = record;
        await platform.deploy(await deployment(platform, fn, record.image));
        platform.onDeployed(fn.key, record.buildKey !== before);
      }
    } catch (error) {
      waiting.length = 0;
      throw error;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: parallelBuilds }, worker));
  await builder.close();
  await endEsbuild();
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  await writeFile(platform.recordFile, JSON.stringify(records, undefined, 2));
}

function isWanted(name: string, scms: readonly ScmKind[]): boolean {
  const kind = scmKinds.find((scm) => name.startsWith(`${scm}-`));
  return kind === undefined || scms.includes(kind);
}

async function buildFunction(
  platform: PlatformBuild,
  {
    repo,
    stack,
    digestOf,
    how,
    builder,
  }: {
    repo: SourceTree;
    stack: StackFile;
    digestOf: (entries: readonly ContextEntry[]) => string;
    how: readonly ContextEntry[];
    builder: OwnBuilder;
  },
  fn: StackFunction,
  records: BuildRecords,
): Promise<BuildRecords[string]> {
  const entries = await shrinkwrap({
    repo,
    template: createSubTree(repo, `template/${fn.lang}`),
    templateYml: parseTemplateYml(String(await repo.read(`template/${fn.lang}/template.yml`))),
    fn,
    copy: stack.configuration.copy,
  });
  const { buildArgs } = fn;
  const repository = `${platform.registry}/openfaas-cloud/ofc-${fn.key}`;
  const key = digestOf([...entries, ...how]);
  const buildKey = buildKeyOf(key, `openfaas-cloud/ofc-${fn.key}`, buildArgs);
  const known = records[fn.key];
  if (known?.buildKey === buildKey) return known;
  const image = `${repository}:latest`;
  const digest = await builder.build({ fn, entries, image, registry: platform.registryClient });
  return { buildKey, image: `${image}@${digest}` };
}

async function deployment(
  { root, environment, moreSecrets = {} }: PlatformBuild,
  fn: StackFunction,
  image: string,
): Promise<FunctionDeployment> {
  const files = await Promise.all(
    fn.environmentFiles.map(async (file) =>
      parseEnvironmentFile(await readFile(join(root, file), 'utf8'), { fileName: file }),
    ),
  );
  const own = files.length === 0 ? [] : [environment];
  return {
    service: fn.key,
    image,
    envVars: mergeEnvironment(fn.environment, [...files, ...own]),
    secrets: [...fn.secrets, ...(moreSecrets[fn.key] ?? [])],
    labels: fn.labels,
    annotations: fn.annotations,
    limits: fn.limits,
    requests: fn.requests,
    readOnlyRootFilesystem: fn.readOnlyRootFilesystem,
  };
}

async function readRecords(file: string): Promise<BuildRecords> {
  try {
    return v.parse(v.pipe(v.string(), v.parseJson(), recordSchema), await readFile(file, 'utf8'));
  } catch {
    // Absent, or from another version: everything is built anew.
    return {};
  }
}
