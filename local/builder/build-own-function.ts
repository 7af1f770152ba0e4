import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';
import type { RegistryClient } from '#shared/registry/registry-client.ts';
import type { ContextEntry } from '#shared/shrinkwrap/context-entry.ts';
import type { StackFunction } from '#shared/stack-file/stack-file.ts';
import { createKeyedLock } from '../git-server/keyed-lock.ts';
import { withEsbuild } from './esbuild-process.ts';
import { makeFunctionImage } from './function-image.ts';
import { leanPackages } from './lean-packages.mjs';
import { pushImage } from './push-image.ts';

/** A function of this project. */
export interface OwnBuild {
  readonly fn: StackFunction;
  /** Its build context, of which the assets are taken. */
  readonly entries: readonly ContextEntry[];
  readonly image: string;
  /** With credentials to push. */
  readonly registry: RegistryClient;
}

type Template = typeof import('../../template/node-ts/build.mjs');

/** Builds functions of the platform. */
export interface OwnBuilder {
  /**
   * Builds a function from the project's folder as it lies there, and pushes its image. The code is ours, and so
   * are the packages that it finds there: there is no context to write out for it, and none of the checks
   * that the builder makes of strangers' code. That takes a quarter of the builder's time.
   *
   * @returns the image's digest.
   * @throws Error with the bundler's text.
   */
  build(build: OwnBuild): Promise<string>;
  /** Lets go of what builds have in common, when all have ended. */
  close(): Promise<void>;
}

/**
 * Makes an {@link OwnBuilder}. It bundles all functions from one folder, in which they take turns: so
 * esbuild parses what they share once, and all of them take two thirds of the computing time.
 *
 * @param root The project's root folder.
 */
export function createOwnBuilder(root: string): OwnBuilder {
  const bundler = createBundler();
  const lock = createKeyedLock();
  let made: Promise<string> | undefined;
  const makeFolder = async (): Promise<string> => {
    await mkdir(join(root, 'dist'), { recursive: true });
    return mkdtemp(join(root, 'dist', 'build-'));
  };

  /** The folder of the bundle. */
  const bundle = async (fn: StackFunction): Promise<string> => {
    made ??= makeFolder();
    const contextDir = await made;
    const templateFolder = join(root, 'template', fn.lang);
    const template: Template = await import(pathToFileURL(join(templateFolder, 'build.mjs')).href);
    const [outDir, kept] = [join(contextDir, 'out'), join(contextDir, `out-${fn.key}`)];
    const links = ['function', 'runtime'].map((name) => join(contextDir, name));
    for (const path of [...links, outDir, kept]) await rm(path, { recursive: true, force: true });
    await symlink(join(root, fn.handler), join(contextDir, 'function'));
    await symlink(join(templateFolder, 'runtime'), join(contextDir, 'runtime'));
    await template.build({
      ...{ contextDir, outDir, typecheck: false },
      esbuild: bundler,
      log: () => undefined,
    });
    await rename(outDir, kept);
    return kept;
  };

  return {
    async build({ fn, entries, image, registry }) {
      const folder = await lock('bundle', () => withEsbuild(() => bundle(fn)));
      const assets = (fn.buildArgs['ASSETS'] ?? '').split(' ').filter((path) => path !== '');
      for (const asset of assets) await writeEntries(entries, `function/${asset}`, folder);
      return pushImage(registry, image, await makeFunctionImage([{ folder, at: '' }], {}));
    },
    async close() {
      await bundler.close();
      if (made !== undefined) await rm(await made, { recursive: true, force: true });
    },
  };
}

/**
 * esbuild takes packages' CommonJS for Node. Those of ours that have ES modules too, the AWS SDK above all,
 * lose a fifth of their size by them, and functions start with a fifth less of computing time. Builds with
 * the same options are one after the other what esbuild calls rebuilds.
 */
function createBundler() {
  const contexts = new Map<string, Promise<esbuild.BuildContext>>();
  return {
    async build(options: esbuild.BuildOptions): Promise<esbuild.BuildResult> {
      if (options.platform !== 'node') return esbuild.build(options);
      const key = JSON.stringify(options);
      const made =
        contexts.get(key) ??
        esbuild.context({
          ...options,
          mainFields: ['module', 'main'],
          plugins: [leanPackages],
        });
      contexts.set(key, made);
      return (await made).rebuild();
    },
    async close(): Promise<void> {
      for (const context of contexts.values()) await (await context).dispose();
    },
  };
}

/** Writes what lies below `folder` in the context as the template copies assets: beside the bundle. */
async function writeEntries(
  entries: readonly ContextEntry[],
  folder: string,
  outDir: string,
): Promise<void> {
  for (const entry of entries) {
    if (entry.kind !== 'file' || !entry.path.startsWith(`${folder}/`)) continue;
    const path = join(outDir, entry.path.slice('function/'.length));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, entry.content, { mode: entry.mode });
  }
}
