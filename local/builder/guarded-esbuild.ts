import { realpathSync } from 'node:fs';
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
  const allowed = roots.map((root) => realpathSync.native(root) + sep);
  const isOwn = (path: string): boolean => allowed.some((root) => path.startsWith(root));
  const guard: Esbuild.Plugin = {
    name: 'only-own-files',
    setup(build) {
      build.onLoad({ filter: /.*/, namespace: 'file' }, ({ path }) => {
        if (isOwn(realpathSync.native(path))) return undefined;
        return { errors: [{ text: `${path} is not part of the function.` }] };
      });
    },
  };
  /** A tsconfig.json may extend any file, and what is wrong there would be quoted. */
  const describe = (message: Esbuild.Message, folder: string): string => {
    const { location, text } = message;
    if (location === null) return text;
    const path = resolve(realpathSync.native(folder), location.file);
    const known = location.namespace !== '' && location.namespace !== 'file';
    if (!known && !isOwn(path)) return `${location.file} is not part of the function.`;
    return `${location.file}:${location.line}:${location.column + 1}: ${text}`;
  };
  const build = async (options: Esbuild.BuildOptions): Promise<Esbuild.BuildResult> => {
    const folder = options.absWorkingDir ?? '.';
    const plugins = [guard, ...(options.plugins ?? [])];
    const result = await esbuild.build({ ...options, plugins }).catch((thrown: unknown) => {
      const { errors = [] } = thrown as Partial<Esbuild.BuildFailure>;
      const lines = errors.map((error) => describe(error, folder));
      if (lines.length === 0) throw thrown;
      const hint = packageHint(errors.map(({ text }) => text));
      throw new CloudError(
        'OFC_BUILD_FAILED',
        lines.join('\n'),
        hint === undefined ? {} : { hint },
      );
    });
    const warnings = result.warnings.map((warning) => ({
      ...warning,
      text: describe(warning, folder),
      location: null,
    }));
    return { ...result, warnings };
  };
  return { ...esbuild, build: build as typeof Esbuild.build };
}

/** Packages of the repo's root, or of the developer's machine, are not there in a build. */
function packageHint(errors: readonly string[]): string | undefined {
  const names = errors.flatMap((text) => {
    const found = /^Could not resolve "((?:@[\w.-]+\/)?[\w-][\w.-]*)/.exec(text)?.[1];
    return found === undefined ? [] : [found];
  });
  if (names.length === 0) return undefined;
  return `Add to "dependencies" in the package.json beside the handler: ${[...new Set(names)].join(', ')}.`;
}
