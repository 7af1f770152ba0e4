import { mkdirSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureDependencies } from './ensure-dependencies.mjs';

// `npm run doctor`: installs what is missing, bundles `doctor.ts` and runs it in this process.
ensureDependencies();
// The AWS SDK tells at length that its releases of 2027 will want Node 22; the lock file pins ours.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
const root = fileURLToPath(new URL('..', import.meta.url));
const outfile = `${root}/dist/doctor.mjs`;
const esbuild = await import('esbuild');
mkdirSync(`${root}/dist`, { recursive: true });
await esbuild.build({
  entryPoints: [`${root}/local/doctor.ts`],
  outfile,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: 'linked',
  logLevel: 'warning',
});
const { main } = await import(pathToFileURL(outfile).href);
process.exit(await main(process.argv.slice(2), root));
