import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { CloudError, errorMessage } from '#shared/errors.ts';

const specs = v.optional(v.record(v.string(), v.string()), {});
const packageShape = v.object({
  dependencies: specs,
  optionalDependencies: specs,
  devDependencies: specs,
});
// The platform brings these itself; they alone are no reason to run npm.
const provided = new Set(['typescript', '@types/node', 'esbuild']);
const lockShape = v.object({
  packages: v.optional(
    v.record(
      v.string(),
      v.object({ resolved: v.optional(v.string()), link: v.optional(v.boolean()) }),
    ),
    {},
  ),
});

/** What npm needs to install a function's dependencies. */
export interface FunctionPackage {
  readonly manifest: string;
  readonly lock: string | undefined;
  /** Without what is needed for development only. */
  readonly production: boolean;
  /** SHA-256 of both files: functions with the same ones share an installation. */
  readonly key: string;
}

/**
 * Reads `package.json` and `package-lock.json` of a folder; `undefined` if there is nothing to
 * install.
 *
 * @throws CloudError `OFC_BUILD_FAILED` for a file that is no such JSON, and for dependencies that
 *   are not from a registry: git, local folders and links.
 */
export async function readFunctionPackage(
  folder: string,
  options: { production: boolean },
): Promise<FunctionPackage | undefined> {
  const manifest = await readText(join(folder, 'package.json'));
  if (manifest === undefined) return undefined;
  const read = parse(packageShape, manifest, 'package.json');
  const development = options.production ? {} : read.devDependencies;
  const wanted = Object.entries({
    ...development,
    ...read.dependencies,
    ...read.optionalDependencies,
  });
  if (wanted.every(([name]) => provided.has(name) && name in development)) return undefined;
  for (const [name, spec] of wanted) {
    if (!/^(?:npm:@?[^:@]+@)?[^:/]*$/.test(spec)) {
      throw notFromRegistry(`The dependency ${name} is "${spec.slice(0, 200)}"`);
    }
  }
  const lock = await readText(join(folder, 'package-lock.json'));
  if (lock !== undefined) {
    const { packages } = parse(lockShape, lock, 'package-lock.json');
    for (const [path, { resolved, link }] of Object.entries(packages)) {
      if (link === true || (resolved !== undefined && !/^https?:\/\//.test(resolved))) {
        throw notFromRegistry(`package-lock.json: "${path.slice(0, 200)}" is`);
      }
    }
  }
  return {
    manifest,
    lock,
    production: options.production,
    key: sha256(
      [sha256(manifest), lock === undefined ? '' : sha256(lock), options.production].join(' '),
    ),
  };
}

function notFromRegistry(what: string): CloudError {
  return new CloudError('OFC_BUILD_FAILED', `${what}, not a version from a package registry.`, {
    hint: 'Use a published version, or build with BuildKit.',
  });
}

function parse<S extends v.GenericSchema>(shape: S, json: string, file: string): v.InferOutput<S> {
  const fail = (place: string, why: string) =>
    new CloudError('OFC_BUILD_FAILED', `${place}: ${why}`);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    const why = errorMessage(error);
    const position = Number(/at position (\d+)/.exec(why)?.[1] ?? json.length);
    const line = json.slice(0, position).split('\n').length;
    throw fail(`function/${file}:${line}`, `This is not valid JSON: ${why}.`);
  }
  const parsed = v.safeParse(shape, value);
  if (parsed.success) return parsed.output;
  const [{ message }] = parsed.issues;
  throw fail(`function/${file}:1`, `${v.getDotPath(parsed.issues[0]) ?? 'The file'}: ${message}.`);
}

function readText(path: string): Promise<string | undefined> {
  // As npm, without the mark that Windows editors put in front.
  return readFile(path, 'utf8').then(
    (text) => text.replace(/^\ufeff/, ''),
    () => undefined,
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
