import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import type * as Esbuild from 'esbuild';

/**
 * esbuild for source code that is not trusted: it loads no file outside of `roots`, wherever an
 * import or a link leads. Without this `import key from '/home/me/key.txt'` would be in the bundle.
 */
export function guardEsbuild(esbuild: typeof Esbuild, roots: readonly string[]): typeof Esbuild {
  const allowed = Promise.all(roots.map((root) => realpath(root)));
  const guard: Esbuild.Plugin = {
    name: 'only-own-files',
    setup(build) {
      build.onLoad({ filter: /.*/, namespace: 'file' }, async ({ path }) => {
        const file = await realpath(path);
        const inside = (await allowed).some((root) => file.startsWith(root + sep));
        return inside ? undefined : { errors: [{ text: `${path} is not part of the function.` }] };
      });
    },
  };
  return {
    ...esbuild,
    build: ((options: Esbuild.BuildOptions) =>
      esbuild.build({
        ...options,
        plugins: [guard, ...(options.plugins ?? [])],
      })) as typeof Esbuild.build,
  };
}
