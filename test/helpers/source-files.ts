import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** The project's root folder. */
export const root = join(import.meta.dirname, '../..');

/** What tools put into the root folder; git ignores it too. */
const notOurs = new Set([
  '.git',
  'build',
  'dist',
  'coverage',
  '.openfaas-cloud',
  '.secrets',
  '.buildkitd',
]);

/** All files of the project, or those below some folders. */
export function projectFiles(...folders: string[]): string[] {
  const walk = (folder: string): string[] =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      if (notOurs.has(path) || entry.name === 'node_modules' || path.endsWith('.log')) return [];
      return entry.isDirectory() ? walk(path) : [path];
    });
  return (folders.length === 0 ? [''] : folders).flatMap(walk);
}

/** The text of a file of the project. */
export function readSource(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** One import of a module. */
export interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const statement =
  /^\s*(?:import|export)\s+(type\s)?(?:[\w$*{][^;'"`]*?\sfrom\s*)['"]([^'"]+)['"]|^\s*import\s*()['"]([^'"]+)['"]|\bimport\s*\(\s*()['"]([^'"]+)['"]/gm;

/** Every static and dynamic import of a source text, and what it exports from elsewhere. */
export function importsOf(source: string): Import[] {
  return [...source.matchAll(statement)].map((match) => ({
    specifier: match[2] ?? match[4] ?? match[6] ?? '',
    typeOnly: match[1] !== undefined,
  }));
}

/** The project's file that an import of `from` names; `undefined` for a package. */
export function resolveImport(from: string, specifier: string): string | undefined {
  if (specifier === '#runtime-types') return 'template/node-ts/function/types.ts';
  if (specifier.startsWith('#shared/')) return posix.normalize(specifier.slice(1));
  if (!specifier.startsWith('.')) return undefined;
  return posix.join(posix.dirname(from), specifier);
}
