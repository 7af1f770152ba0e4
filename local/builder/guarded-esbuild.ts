import { realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import type * as Esbuild from 'esbuild';
import { CloudError } from '#shared/errors.ts';

/**
 * esbuild for source code that is not trusted: it loads no file outside of `roots`, wherever an
 * import or a link leads, and quotes none in its messages. Without this
 * `import key from '/home/me/key.txt'` would be in the bundle.
 *
 * @returns esbuild's module with a `build` that throws CloudError `OFC_BUILD_FAILED`.
 */
export function guardEsbuild(esbuild: typeof Esbuild, roots: readonly string[]): typeof Esbuild {
  const isOwn = async (path: string): Promise<boolean> => {
    const allowed = await Promise.all(roots.map((root) => realpath(root)));
    return allowed.some((root) => path.startsWith(root + sep));
  };
  const guard: Esbuild.Plugin = {
    name: 'only-own-files',
    setup(build) {
      build.onLoad({ filter: /.*/, namespace: 'file' }, async ({ path }) => {
        if (await isOwn(await realpath(path))) return undefined;
        return { errors: [{ text: `${path} is not part of the function.` }] };
      });
    },
  };
  /** A tsconfig.json may extend any file, and what is wrong there would be quoted. */
  const describe = async (message: Esbuild.Message, folder: string): Promise<string> => {
    const { location, text } = message;
    if (location === null) return text;
    const path = resolve(await realpath(folder), location.file);
    const known = location.namespace !== '' && location.namespace !== 'file';
    if (!known && !(await isOwn(path))) return `${location.file} is not part of the function.`;
    return `${location.file}:${location.line}:${location.column + 1}: ${text}`;
  };
  const build = async (options: Esbuild.BuildOptions): Promise<Esbuild.BuildResult> => {
    const folder = options.absWorkingDir ?? '.';
    const plugins = [guard, ...(options.plugins ?? [])];
    const result = await esbuild.build({ ...options, plugins }).catch(async (thrown: unknown) => {
      const { errors = [] } = thrown as Partial<Esbuild.BuildFailure>;
      const lines = await Promise.all(errors.map((error) => describe(error, folder)));
      if (lines.length === 0) throw thrown;
      throw new CloudError('OFC_BUILD_FAILED', lines.join('\n'));
    });
    const warnings = await Promise.all(
      result.warnings.map(async (warning) => ({
        ...warning,
        text: await describe(warning, folder),
        location: null,
      })),
    );
    return { ...result, warnings };
  };
  return { ...esbuild, build: build as typeof Esbuild.build };
}
