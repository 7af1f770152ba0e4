import { mkdirSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureDependencies } from './ensure-dependencies.mjs';

/**
 * Installs what is missing, bundles `local/<name>.ts`, and runs its `main` in this process with the
 * command line's arguments and the project's folder.
 */
export async function runBundled(name) {
  ensureDependencies();
  // The AWS SDK tells at length that its releases of 2027 will want Node 22; the lock file pins ours.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const root = fileURLToPath(new URL('..', import.meta.url));
  const outfile = `${root}/dist/${name}.mjs`;
  const esbuild = await import('esbuild');
  mkdirSync(`${root}/dist`, { recursive: true });
  await esbuild.build({
    entryPoints: [`${root}/local/${name}.ts`],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'linked',
    logLevel: 'warning',
  });
  // The bundler's process would take 40 MB until the first build; it is quick to start again.
  await esbuild.stop();
  const { main } = await import(pathToFileURL(outfile).href);
  return main(process.argv.slice(2), root);
}
