import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import { build } from '../../template/node-ts/build.mjs';
import { eventually } from './eventually.ts';
import { environmentOf, platformStack } from './platform-environment.ts';
import { layOutContext } from './platform-function.ts';

/** A function of the platform in a process of its own, as it runs in its container. */
export interface DeployedFunction {
  readonly port: number;
  readonly pid: number;
  readonly child: ChildProcess;
  /** SIGKILL, as when a machine takes it away. */
  kill(): Promise<void>;
}

/** A bundle that can be started, again and again. */
export interface FunctionBundle {
  /** @param port A free loopback port if absent. */
  start(env: Readonly<Record<string, string>>, port?: number): Promise<DeployedFunction>;
}

/**
 * Bundles a function of `stack.yml` below `folder`, without a look at its types. It starts with what
 * `stack.yml` gives it and what the caller gives.
 *
 * @param nodeOptions Arguments for Node before the bundle.
 */
export async function bundleFunction(
  name: string,
  folder: string,
  nodeOptions: readonly string[] = [],
): Promise<FunctionBundle> {
  const stack = platformStack();
  const fn = stack.functions.find(({ key }) => key === name);
  if (fn === undefined) throw new Error(`stack.yml has no ${name}`);
  const context = join(folder, name);
  await layOutContext(stack, fn, context);
  await build({ contextDir: context, esbuild, typecheck: false, log: () => undefined });
  return {
    async start(env, port = 0) {
      const child = spawn(process.execPath, [...nodeOptions, 'index.mjs'], {
        cwd: join(context, 'dist'),
        env: {
          ...environmentOf(fn),
          PATH: process.env['PATH'],
          NODE_ENV: 'production',
          // As behind a watchdog, since only then it listens on loopback alone.
          http_port: String(port),
          metrics_port: 'off',
          ...env,
        },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const closed = once(child, 'close');
      let head = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        if (head.length < 8192) head += text;
      });
      const address = await eventually(
        () => {
          const found = /"listening","address":"(\d+)"/.exec(head)?.[1];
          if (found === undefined) throw new Error(`${name} does not listen. ${head}`);
          return Number(found);
        },
        { timeoutMs: 20_000 },
      );
      return {
        port: address,
        pid: child.pid ?? 0,
        child,
        async kill() {
          child.kill('SIGKILL');
          await closed;
        },
      };
    },
  };
}
