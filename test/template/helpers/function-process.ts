import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, type RequestOptions, request } from 'node:http';
import { dirname, join } from 'node:path';
import * as esbuild from 'esbuild';
import { build } from '../../../template/node-ts/build.mjs';
import { eventually } from '../../helpers/eventually.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const root = join(import.meta.dirname, '../../..');

/** The answer to one request. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A built function that can be started. */
export interface BuiltFunction {
  readonly folder: string;
  readonly log: readonly string[];
  start(env?: Record<string, string>): Promise<FunctionProcess>;
  /** Starts the process without waiting for it to listen. */
  spawn(env?: Record<string, string>): FunctionProcess;
  remove(): Promise<void>;
}

/** A running function that listens on a Unix socket. */
export interface FunctionProcess {
  readonly child: ChildProcess;
  readonly socketPath: string;
  /** Everything on stderr so far, as JSON lines. */
  logs(): Record<string, unknown>[];
  output(): string;
  call(path: string, options?: RequestOptions & { body?: string | Buffer }): Promise<Answer>;
  /** The exit code, or the signal. */
  readonly exit: Promise<number | string | null>;
  kill(): Promise<void>;
}

/** Lays out a build context as faas-cli does: the template, then `files` in its function folder. */
export async function createContext(
  files: Record<string, string>,
): Promise<{ path: string; remove(): Promise<void> }> {
  const temp = await tempDir();
  await cp(join(root, 'template/node-ts'), temp.path, { recursive: true });
  await symlink(join(root, 'node_modules'), join(temp.path, 'node_modules'));
  for (const [name, content] of Object.entries(files)) {
    const path = join(temp.path, 'function', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  return temp;
}

/** Builds a function from `files` (by path below `function/`). Types are checked only if asked for. */
export async function buildFunction(
  files: Record<string, string>,
  options: { typecheck?: boolean; assets?: string[] } = {},
): Promise<BuiltFunction> {
  const context = await createContext(files);
  const log: string[] = [];
  await build({
    contextDir: context.path,
    esbuild,
    typecheck: false,
    log: (line) => log.push(line),
    ...options,
  });
  let count = 0;
  const spawnOne = (env: Record<string, string> = {}) =>
    startProcess(join(context.path, 'dist'), join(context.path, `${count++}.sock`), env);
  return {
    folder: context.path,
    log,
    spawn: spawnOne,
    async start(env) {
      const started = spawnOne(env);
      await eventually(() => {
        if (!started.output().includes('"listening"')) throw new Error(started.output());
      });
      return started;
    },
    remove: () => context.remove(),
  };
}

function startProcess(
  cwd: string,
  socketPath: string,
  env: Record<string, string>,
): FunctionProcess {
  const child = spawn(process.execPath, ['index.mjs'], {
    cwd,
    env: {
      PATH: process.env['PATH'],
      TMPDIR: dirname(socketPath),
      port: socketPath,
      metrics_port: 'off',
      healthcheck_interval: '0',
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stderr = '';
  let stdout = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const exit = once(child, 'close').then(([code, signal]) => code ?? signal);
  return {
    child,
    socketPath,
    logs: () =>
      stderr
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line)),
    output: () => stdout + stderr,
    call: (path, options) => call({ socketPath, path, ...options }),
    exit,
    async kill() {
      child.kill('SIGKILL');
      await exit;
      await rm(socketPath, { force: true });
    },
  };
}

/** One request, its answer read whole. Rejects if the connection breaks. */
export function call({
  body,
  ...options
}: RequestOptions & { body?: string | Buffer }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ agent: false, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject).on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: text,
        }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Whether a file exists. */
export const fileExists = (path: string): Promise<boolean> =>
  readFile(path).then(
    () => true,
    () => false,
  );
