import { execFile } from 'node:child_process';
import { access, realpath, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { CloudError } from '#shared/errors.ts';

const timeoutMs = 60_000;

/** The TypeScript compiler that the platform itself brings. */
export interface Compiler {
  readonly program: string;
  /** The folder of `@types/node`. */
  readonly typeRoot: string;
}

/** Finds the platform's own compiler; `undefined` in an installation without development packages. */
export function findCompiler(): Compiler | undefined {
  try {
    const require = createRequire(import.meta.url);
    const ownRequire = createRequire(require.resolve('typescript/package.json'));
    const native = `@typescript/typescript-${process.platform}-${process.arch}/package.json`;
    return {
      program: join(dirname(ownRequire.resolve(native)), 'lib', 'tsc'),
      typeRoot: dirname(dirname(require.resolve('@types/node/package.json'))),
    };
  } catch {
    return undefined;
  }
}

/**
 * Checks the types of a handler, by its own `tsconfig.json` or else the template's. The compiler is the
 * platform's: one that the function brings would run as code here.
 *
 * @param handler The file in `function/` to start from.
 * @throws CloudError `OFC_BUILD_FAILED` with the compiler's text.
 */
export async function checkTypes(
  compiler: Compiler,
  contextDir: string,
  handler: string,
  signal: AbortSignal,
): Promise<void> {
  const folder = await realpath(join(contextDir, 'function'));
  const project = join(folder, '.tsconfig.build.json');
  const own = await access(join(folder, 'tsconfig.json')).then(
    () => true,
    () => false,
  );
  const config = {
    extends: own ? './tsconfig.json' : '../tsconfig.json',
    compilerOptions: {
      noEmit: true,
      incremental: false,
      composite: false,
      typeRoots: ['./node_modules/@types', compiler.typeRoot],
    },
    files: [handler],
    include: [],
  };
  await rm(project, { force: true });
  await writeFile(project, JSON.stringify(config), { flag: 'wx' });
  const args = ['--project', project, '--pretty', 'false'];
  const { failed, stopped, output } = await new Promise<CompilerRun>((done) => {
    execFile(
      compiler.program,
      args,
      { cwd: folder, env: {}, maxBuffer: 16 * 2 ** 20, timeout: timeoutMs, signal },
      (error, stdout) => done({ failed: error !== null, stopped: error?.killed, output: stdout }),
    );
  });
  await rm(project, { force: true });
  signal.throwIfAborted();
  if (stopped) throw new CloudError('OFC_TIMEOUT', 'The type check took too long.');
  if (!failed) return;
  // Only what is about the function's own files: others must not be quoted.
  const about = output.split('\n').filter((line) => {
    const file = /^(.+?)\(\d+,\d+\): /.exec(line)?.[1];
    return file === undefined ? /^error TS/.test(line) : isInside(folder, resolve(folder, file));
  });
  throw new CloudError('OFC_BUILD_FAILED', `The types are wrong.\n${about.join('\n').trim()}`);
}

interface CompilerRun {
  readonly failed: boolean;
  readonly stopped: boolean | undefined;
  readonly output: string;
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way.split(sep)[0] !== '..';
}
