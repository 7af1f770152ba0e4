import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { leanPackages } from './builder/lean-packages.mjs';
import { ensureDependencies } from './ensure-dependencies.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Packages with programs or native code of their own, and one that is rarely used and large. */
const external = ['esbuild', 'lmdb', 'dockerode'];

// Packages in CommonJS expect `require`.
const banner =
  "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);";

/**
 * Installs what is missing, bundles `local/<name>.ts` with the packages that it needs, unless that was done
 * before from the same files, and runs its `main` in this process with the command line's arguments and
 * the project's folder. One file is read in half the time that it takes to find a thousand.
 */
export async function runBundled(name) {
  ensureDependencies();
  // The AWS SDK tells at length that its releases of 2027 will want Node 22; the lock file pins ours.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const outfile = join(root, 'dist', `${name}.mjs`);
  if (!isCurrent(outfile)) await bundle(name, outfile);
  const { main } = await import(pathToFileURL(outfile).href);
  return main(process.argv.slice(2), root);
}

async function bundle(name, outfile) {
  const esbuild = await import('esbuild');
  const { outputFiles, metafile } = await esbuild.build({
    entryPoints: [join(root, 'local', `${name}.ts`)],
    outfile,
    absWorkingDir: root,
    bundle: true,
    external,
    // ES modules, where a package has them, lose what is not used.
    mainFields: ['module', 'main'],
    platform: 'node',
    format: 'esm',
    target: 'node20',
    banner: { js: banner },
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [leanPackages],
    metafile: true,
    write: false,
  });
  // The bundler's process would take 40 MB until the first build; it is quick to start again.
  await esbuild.stop();
  mkdirSync(dirname(outfile), { recursive: true });
  const inputs = [
    ...Object.keys(metafile.inputs).filter((path) => existsSync(join(root, path))),
    'local/builder/lean-packages.mjs',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
  ];
  const made = { inputs: Object.fromEntries(inputs.map((path) => [path, stampOf(path)])) };
  for (const { path, contents } of outputFiles) put(path, contents);
  put(`${outfile}.json`, JSON.stringify(made));
}

/** Whether the bundle is there, and made of the files as they are now. */
function isCurrent(outfile) {
  try {
    const { inputs } = JSON.parse(readFileSync(`${outfile}.json`, 'utf8'));
    statSync(outfile);
    return Object.entries(inputs).every(([path, stamp]) => stampOf(path) === stamp);
  } catch {
    return false;
  }
}

function stampOf(path) {
  const { mtimeMs, size } = statSync(join(root, path));
  return `${mtimeMs} ${size}`;
}

/** Never half a file: another start may be reading it. */
function put(path, contents) {
  const draft = join(dirname(path), `${basename(path)}.${process.pid}`);
  writeFileSync(draft, contents);
  renameSync(draft, path);
}
