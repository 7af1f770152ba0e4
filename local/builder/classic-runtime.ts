import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * Bundles the runtime alone into `outDir/index.mjs`. It loads `function/handler.js` beside it when it
 * starts, so a handler in CommonJS with dynamic `require` runs as under the official templates.
 */
export async function bundleClassicRuntime(templateFolder: string, outDir: string): Promise<void> {
  await build({
    stdin: {
      contents: [
        "import './runtime/crash.ts';",
        "import { start } from './runtime/main.ts';",
        "await start(await import('./function/handler.js'));",
      ].join('\n'),
      resolveDir: templateFolder,
      sourcefile: 'entry.mjs',
    },
    absWorkingDir: templateFolder,
    outfile: join(outDir, 'index.mjs'),
    external: ['./function/handler.js'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    logLevel: 'silent',
  });
}
