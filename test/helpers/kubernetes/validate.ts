import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../source-files.ts';
import { tempDir } from '../temp-dir.ts';
import { idOf, type Manifest } from './manifest.ts';

const load = createRequire(import.meta.url);

/** The package that has the schemas of an API group. */
function packageOf(group: string): string | undefined {
  if (group === 'cert-manager.io') return '@kubernetes-models/cert-manager';
  if (group === 'gateway.networking.k8s.io') return '@kubernetes-models/gateway-api';
  return group.includes('.') && !group.endsWith('.k8s.io') ? undefined : 'kubernetes-models';
}

/** Where the model of an object is, such as `kubernetes-models/apps/v1`. */
function moduleOf({ apiVersion, kind }: Manifest): string {
  const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const name = packageOf(group);
  if (name === undefined) throw new Error(`No schema for ${apiVersion} ${kind}.`);
  return [name, group, version].filter((part) => part !== '').join('/');
}

/**
 * What is wrong with an object by the OpenAPI schema of its kind: a field that is missing or of a wrong
 * type, a value out of its set. Fields that nobody knows are not found here: {@link unknownFields}.
 */
export function schemaProblem(manifest: Manifest): string | undefined {
  const models = load(moduleOf(manifest)) as Record<
    string,
    (new (data: unknown) => { validate(): void }) | undefined
  >;
  const Model = models[manifest.kind];
  if (Model === undefined) return `${idOf(manifest)}: ${manifest.apiVersion} has no such kind.`;
  try {
    new Model(manifest).validate();
    return undefined;
  } catch (error) {
    return `${idOf(manifest)}: ${(error as Error).message}`;
  }
}

/**
 * Fields that the API does not know, which a cluster would drop without a word: the objects are written as
 * typed literals, and the compiler says which properties are too many.
 *
 * @returns The compiler's complaints, empty if all is well.
 */
export async function unknownFields(manifests: readonly Manifest[]): Promise<string[]> {
  const temp = await tempDir();
  try {
    const source = manifests.map((manifest, index) => {
      const from = JSON.stringify(`${moduleOf(manifest)}/${manifest.kind}`);
      return `import type { I${manifest.kind} as T${index} } from ${from};
export const _${index}: T${index} = // ${idOf(manifest)}
${JSON.stringify(manifest, null, 1)};\n`;
    });
    await mkdir(join(temp.path, 'src'));
    await symlink(join(root, 'node_modules'), join(temp.path, 'node_modules'));
    await writeFile(join(temp.path, 'src/manifests.ts'), source.join(''));
    await writeFile(
      join(temp.path, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          noEmit: true,
          skipLibCheck: true,
          module: 'preserve',
          moduleResolution: 'bundler',
          target: 'es2023',
          types: [],
        },
        include: ['src'],
      }),
    );
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = await promisify(execFile)(process.execPath, [compiler, '-p', temp.path], {
      maxBuffer: 16 * 1024 ** 2,
    }).catch((error: { stdout: string }) => error);
    return stdout.split('\n').filter((line) => line.trim() !== '');
  } finally {
    await temp.remove();
  }
}
