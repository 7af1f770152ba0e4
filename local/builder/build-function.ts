import { readdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';
import { parse } from 'yaml';
import { CloudError, errorMessage } from '#shared/errors.ts';
import type { OpenedSecret } from '#shared/sealed-box.ts';
import type { BuildConfig } from '#shared/tar/builder-config.ts';
import { type Compiler, checkTypes } from './check-types.ts';
import { bundleClassicRuntime } from './classic-runtime.ts';
import type { InstallBuild, Installer } from './dependencies.ts';
import type { ImagePart } from './function-image.ts';
import { guardEsbuild } from './guarded-esbuild.ts';

/** What builds have in common. */
export interface BuildTools {
  /** The platform's own copy of template/node-ts. Code of the context is never run. */
  readonly templateFolder: string;
  readonly installer: Installer;
  /** Without one, types are not checked. */
  readonly compiler: Compiler | undefined;
  /** Whether types are checked where the build argument TYPECHECK does not say. */
  readonly typecheck: boolean;
}

/** One build. */
export interface BuildJob {
  readonly contextDir: string;
  /** Does not exist yet. */
  readonly outDir: string;
  readonly config: BuildConfig;
  readonly secrets: ReadonlyMap<string, Pick<OpenedSecret, 'value'>>;
  /** For what only this build may see; removed after it. */
  readonly secretFolder: string;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

type Template = typeof import('../../template/node-ts/build.mjs');

/** Build argument by which an operator lets the official Node templates run on this runtime. */
const classicArgument = 'OFC_CLASSIC';

/**
 * Builds a function without a container engine.
 *
 * @returns what goes into the image.
 * @throws CloudError `OFC_BUILD_FAILED` with the text for the build log.
 */
export async function buildFunction(tools: BuildTools, job: BuildJob): Promise<ImagePart[]> {
  const { contextDir, config } = job;
  for (const id of job.secrets.keys()) {
    if (id !== 'npmrc') job.log(`The build secret "${id}" has no effect without a Dockerfile.`);
  }
  const names = await readdir(join(contextDir, 'function')).catch((): string[] => []);
  if (/^node(?:18|20|22)$/.test(config.buildArgs[classicArgument] ?? '')) {
    return buildClassic(tools, job, names);
  }
  const language = await templateLanguage(contextDir);
  if (language !== 'node-ts') {
    const what = language === undefined ? 'This Dockerfile' : `The template "${language}"`;
    throw new CloudError('OFC_BUILD_FAILED', `${what} needs a container engine to build.`, {
      hint: 'Use lang: node-ts, or let the operator configure BuildKit (buildkit_url).',
    });
  }
  return buildBundle(tools, job, names);
}

async function buildBundle(
  { templateFolder, installer, compiler, typecheck }: BuildTools,
  job: BuildJob,
  names: readonly string[],
): Promise<ImagePart[]> {
  const { contextDir, outDir, config, log, signal } = job;
  const template: Template = await import(pathToFileURL(join(templateFolder, 'build.mjs')).href);
  const functionDir = join(contextDir, 'function');
  const modules = await installer.install(functionDir, {
    production: false,
    log,
    signal,
    ...npmSecrets(job),
  });
  if (modules !== undefined) {
    await rm(join(functionDir, 'node_modules'), { recursive: true, force: true });
    await symlink(modules, join(functionDir, 'node_modules'));
  }
  const handler = template.findHandler(names);
  const typed = handler !== undefined && /\.m?ts$/.test(handler);
  const asked = config.buildArgs['TYPECHECK'] ?? String(typecheck);
  const wanted = typed && asked === 'true';
  if (typed && !wanted) log('types: not checked (build argument TYPECHECK=true turns it on)');
  if (wanted && compiler === undefined) log('types: not checked, typescript is not installed');
  const ends = await Promise.allSettled([
    template.build({
      contextDir,
      outDir,
      esbuild: guardEsbuild(esbuild, modules === undefined ? [contextDir] : [contextDir, modules]),
      typecheck: false,
      assets: (config.buildArgs['ASSETS'] ?? '').split(' ').filter((path) => path !== ''),
      log,
    }),
    wanted && compiler ? checkTypes(compiler, contextDir, handler, signal) : undefined,
  ]);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  if (wanted && compiler !== undefined) log('types: checked');
  return [{ folder: outDir, at: '' }];
}

/** The function as it is, beside the bundled runtime. */
async function buildClassic(
  { templateFolder, installer }: BuildTools,
  job: BuildJob,
  names: readonly string[],
): Promise<ImagePart[]> {
  const { contextDir, outDir, config, log, signal } = job;
  if (!names.includes('handler.js')) {
    throw new CloudError('OFC_BUILD_FAILED', 'There is no function/handler.js.');
  }
  log(
    `The handler of template ${config.buildArgs[classicArgument]} is run by the node-ts runtime instead of the official one.`,
  );
  const functionDir = join(contextDir, 'function');
  await checkSyntax(contextDir);
  const modules = await installer.install(functionDir, {
    production: true,
    log,
    signal,
    ...npmSecrets(job),
  });
  await bundleClassicRuntime(templateFolder, outDir);
  const parts = [
    { folder: outDir, at: '' },
    { folder: functionDir, at: 'function' },
  ];
  if (modules === undefined) return parts;
  await rm(join(functionDir, 'node_modules'), { recursive: true, force: true });
  return [...parts, { folder: modules, at: 'function/node_modules' }];
}

/**
 * Syntax errors, in the handler and in what it loads of its own files, would end the process at its start:
 * they end the build. Nothing is run, and what is not found may be looked for in another way at run time.
 */
async function checkSyntax(contextDir: string): Promise<void> {
  const options = { bundle: true, packages: 'external', platform: 'node', format: 'esm' } as const;
  await guardEsbuild(esbuild, [contextDir])
    .build({
      ...options,
      entryPoints: ['function/handler.js'],
      absWorkingDir: contextDir,
      target: 'node20',
      tsconfigRaw: '{}',
      write: false,
      logLevel: 'silent',
    })
    .catch((error: unknown) => {
      const notSyntax = /: (?:Could not resolve|No loader is configured)|not part of the function/;
      const lines = errorMessage(error)
        .split('\n')
        .filter((line) => !notSyntax.test(line));
      if (lines.length > 0) throw new CloudError('OFC_BUILD_FAILED', lines.join('\n'));
    });
}

function npmSecrets({ secrets, secretFolder }: BuildJob): Pick<InstallBuild, 'own'> {
  const npmrc = secrets.get('npmrc')?.value;
  return npmrc === undefined ? {} : { own: { npmrc: String(npmrc), folder: secretFolder } };
}

/** `language` of template.yml; `undefined` without one. */
async function templateLanguage(contextDir: string): Promise<string | undefined> {
  const text = await readFile(join(contextDir, 'template.yml'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { language } = parse(text, { maxAliasCount: 10 }) as { language?: unknown };
    return typeof language === 'string' ? language : undefined;
  } catch {
    return undefined;
  }
}
