import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';
import { createFolderTree } from '#shared/shrinkwrap/folder-tree.ts';
import { shrinkwrap } from '#shared/shrinkwrap/shrinkwrap.ts';
import type { StackFile, StackFunction } from '#shared/stack-file/stack-file.ts';
import { parseTemplateYml } from '#shared/stack-file/template-yml.ts';
import { configEntry } from '#shared/tar/builder-request.ts';
import { extractContext } from '#shared/tar/extract-context.ts';
import { packContext } from '#shared/tar/pack-context.ts';
import { build } from '../../template/node-ts/build.mjs';
import { eventually } from './eventually.ts';
import { root } from './source-files.ts';

const templateFolder = join(root, 'template/node-ts');

/** The build context of a function of the platform, as `faas-cli build --shrinkwrap` makes it. */
export async function packFunctionContext(
  stack: StackFile,
  fn: StackFunction,
): ReturnType<typeof packContext> {
  const entries = await shrinkwrap({
    repo: createFolderTree(root),
    template: createFolderTree(templateFolder),
    templateYml: parseTemplateYml(await readFile(join(templateFolder, 'template.yml'), 'utf8')),
    fn,
    copy: stack.configuration.copy,
  });
  return packContext(entries);
}

/** Lays out such a context in `folder`, with the packages that the Dockerfile installs. */
export async function layOutContext(
  stack: StackFile,
  fn: StackFunction,
  folder: string,
): Promise<void> {
  const { tar } = await packFunctionContext(stack, fn);
  const config = configEntry({ image: fn.image, buildArgs: fn.buildArgs });
  await extractContext(Readable.from([config, tar]), folder);
  // Where the Dockerfile installs the packages of the template and of the function.
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await symlink(join(root, 'node_modules'), join(folder, 'function/node_modules'));
}

/** Checks the types of a context's function and bundles it, as the Dockerfile does. */
export async function buildContext(fn: StackFunction, folder: string): Promise<string[]> {
  const log: string[] = [];
  await build({
    contextDir: folder,
    esbuild,
    assets: (fn.buildArgs['ASSETS'] ?? '').split(' ').filter(Boolean),
    log: (line) => log.push(line),
  });
  return log;
}

/** What a function read of its environment at its start. */
export interface SettingsRead {
  readonly variables: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
}

/** A bundle that runs on its own. */
export interface RunningFunction {
  status(path: string): Promise<number>;
  settings(): Promise<SettingsRead>;
  stop(): Promise<void>;
}

/** Starts a bundle with nothing in its environment but `env`, and waits until it listens. */
export async function startBundle(
  context: string,
  env: Readonly<Record<string, string>>,
  secretFolder: string,
): Promise<RunningFunction> {
  const socketPath = join(context, 's.sock');
  const record = join(context, 'settings.txt');
  const tmp = join(context, 'tmp');
  await mkdir(tmp);
  await writeFile(record, '');
  const recorder = pathToFileURL(join(root, 'test/helpers/record-settings.mjs')).href;
  const child = spawn(process.execPath, ['--import', recorder, 'index.mjs'], {
    cwd: join(context, 'dist'),
    env: {
      ...env,
      SETTINGS_RECORD: record,
      secret_mount_path: secretFolder,
      TMPDIR: tmp,
      healthcheck_interval: '1ms',
      port: socketPath,
      metrics_port: 'off',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const closed = once(child, 'close');
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  try {
    await eventually(
      () => {
        if (child.exitCode !== null || stderr.includes('"listening"')) return;
        throw new Error(`It does not listen. ${stderr}`);
      },
      { timeoutMs: 30_000 },
    );
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}. ${stderr}`);
  } catch (error) {
    await stop(child, closed);
    throw error;
  }
  return {
    status: (path) => statusOf(socketPath, path),
    settings: async () => parseRecord(await readFile(record, 'utf8')),
    stop: () => stop(child, closed),
  };
}

async function stop(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  child.kill('SIGKILL');
  await closed;
}

function statusOf(socketPath: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    call.on('error', reject).end();
  });
}

function parseRecord(text: string): SettingsRead {
  const names = (kind: string) =>
    new Set(
      text
        .split('\n')
        .filter((line) => line.startsWith(`${kind} `))
        .map((line) => line.slice(kind.length + 1)),
    );
  return { variables: names('variable'), secrets: names('secret') };
}
