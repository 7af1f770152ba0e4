import { execFile } from 'node:child_process';
import { access, cp, lstat, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

/** JavaScript first: a handler.ts beside it is the template's sample, left there by faas-cli. */
const handlerNames = ['handler.mjs', 'handler.cjs', 'handler.js', 'handler.mts', 'handler.ts'];

/** See build.d.mts. */
export function findHandler(names) {
  return handlerNames.find((name) => names.includes(name));
}

/** See build.d.mts. */
export async function build({
  contextDir,
  outDir = join(contextDir, 'dist'),
  esbuild,
  typecheck = true,
  assets = [],
  log = console.log,
}) {
  const functionDir = join(contextDir, 'function');
  const handler = findHandler(await readdir(functionDir));
  if (handler === undefined) {
    throw new Error(
      `No handler: expected one of ${handlerNames.join(', ')} in the function's folder.`,
    );
  }
  log(`handler: ${handler}`);
  if (typecheck && /\.m?ts$/.test(handler)) await checkTypes(contextDir, handler, log);
  await mkdir(outDir, { recursive: true });
  await copyAssets(functionDir, outDir, assets);
  const { build: bundle } = esbuild ?? (await import('esbuild'));
  await bundleClient(functionDir, outDir, bundle, log);
  const { metafile, warnings } = await bundle(bundleOptions(contextDir, outDir, handler));
  for (const { text, location } of warnings) {
    log(`warning: ${location ? `${location.file}:${location.line}: ` : ''}${text}`);
  }
  const modules = Object.entries(metafile.outputs).filter(([path]) => path.endsWith('.mjs'));
  const [entry, { bytes }] = modules.find(([path]) => basename(path) === 'index.mjs');
  const rest = modules.length - 1;
  const more = rest === 0 ? '' : `, ${rest} more for dynamic imports`;
  log(`bundled: ${entry} (${Math.ceil(bytes / 1024)} KiB)${more}`);
  return { handler, entry: join(outDir, 'index.mjs') };
}

/**
 * One ES module with runtime, handler and all packages. What a dynamic import leads to lies beside it in files
 * of its own, named by their content: a start does not read it.
 */
function bundleOptions(contextDir, outDir, handler) {
  return {
    stdin: {
      contents: [
        "import './runtime/crash.ts';",
        `import * as handler from './function/${handler}';`,
        "import { start } from './runtime/main.ts';",
        'await start(handler);',
      ].join('\n'),
      resolveDir: contextDir,
      sourcefile: 'entry.mjs',
    },
    absWorkingDir: contextDir,
    outdir: outDir,
    entryNames: 'index',
    chunkNames: '[name]-[hash]',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // CommonJS packages expect these names. As globals they do not clash with a handler's own.
    banner: {
      js: [
        "globalThis.require ??= process.getBuiltinModule('module').createRequire(import.meta.url);",
        'globalThis.__filename ??= import.meta.filename;',
        'globalThis.__dirname ??= import.meta.dirname;',
      ].join(''),
    },
    define: { 'process.env.NODE_ENV': '"production"' },
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: 'external',
    sourcesContent: false,
    legalComments: 'external',
    logLevel: 'silent',
    metafile: true,
  };
}

/**
 * Bundles `client/main.tsx` (or `.ts`, `.js`), if there is one, for browsers into `static/client/`.
 * Files are named by their content, so that they can be cached for ever; `manifest.json` tells the names.
 */
async function bundleClient(functionDir, outDir, bundle, log) {
  const folder = join(functionDir, 'client');
  const names = await readdir(folder).catch(() => []);
  const entry = ['main.tsx', 'main.ts', 'main.js'].find((name) => names.includes(name));
  if (entry === undefined) return;
  const outdir = join(outDir, 'static', 'client');
  const { metafile } = await bundle({
    entryPoints: [join(folder, entry)],
    absWorkingDir: functionDir,
    outdir,
    entryNames: '[name]-[hash]',
    bundle: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    define: { 'process.env.NODE_ENV': '"production"' },
    minify: true,
    legalComments: 'external',
    logLevel: 'silent',
    metafile: true,
  });
  const files = Object.keys(metafile.outputs).map((path) => basename(path));
  const manifest = Object.fromEntries(
    ['js', 'css'].map((kind) => [kind, files.find((name) => name.endsWith(`.${kind}`)) ?? null]),
  );
  await writeFile(join(outdir, 'manifest.json'), JSON.stringify(manifest));
  log(`bundled for browsers: ${files.filter((name) => /\.(?:js|css)$/.test(name)).join(', ')}`);
}

/** Checks the handler and what it imports, by the function's tsconfig.json or else the template's. */
async function checkTypes(contextDir, handler, log) {
  const functionDir = join(contextDir, 'function');
  const compiler = await findCompiler([functionDir, contextDir, import.meta.dirname]);
  if (compiler === undefined) return log('types: not checked, typescript is not installed');
  const own = await exists(join(functionDir, 'tsconfig.json'));
  // Beside the function's package.json, from where @types packages are looked up.
  const project = join(functionDir, '.tsconfig.build.json');
  const config = {
    extends: own ? './tsconfig.json' : '../tsconfig.json',
    compilerOptions: { noEmit: true, incremental: false, composite: false },
    files: [handler],
    include: [],
  };
  await writeFile(project, JSON.stringify(config));
  try {
    await promisify(execFile)(
      process.execPath,
      [compiler, '--project', project, '--pretty', 'false'],
      {
        cwd: functionDir,
        maxBuffer: 16 * 1024 ** 2,
      },
    );
    log('types: checked');
  } catch (error) {
    throw new Error(`The types are wrong.\n${error.stdout?.trim() || error.message}`);
  } finally {
    await rm(project, { force: true });
  }
}

async function findCompiler(folders) {
  for (const folder of folders) {
    const { resolve } = createRequire(join(folder, 'package.json'));
    try {
      const manifest = resolve('typescript/package.json');
      const { bin } = createRequire(manifest)('./package.json');
      return join(dirname(manifest), bin.tsc);
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/** Copies `static/`, if there is one, and the named paths beside the bundle. */
async function copyAssets(functionDir, outDir, assets) {
  const paths = (await exists(join(functionDir, 'static'))) ? ['static', ...assets] : assets;
  for (const asset of paths) {
    const path = normalize(asset);
    if (isAbsolute(path) || path === '.' || path.split(sep)[0] === '..') {
      throw new Error(`The asset ${asset} is not inside the function's folder.`);
    }
    await cp(join(functionDir, path), join(outDir, path), { recursive: true, filter: refuseLinks });
  }
}

async function refuseLinks(source) {
  if ((await lstat(source)).isSymbolicLink()) throw new Error(`The asset ${source} is a link.`);
  return true;
}

const exists = (path) =>
  access(path).then(
    () => true,
    () => false,
  );

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { ASSETS = '', TYPECHECK = 'true' } = process.env;
  try {
    await build({
      contextDir: import.meta.dirname,
      assets: ASSETS.split(' ').filter(Boolean),
      typecheck: TYPECHECK !== 'false',
    });
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
