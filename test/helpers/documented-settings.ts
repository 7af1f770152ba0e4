import { tableRows } from './markdown-table.ts';
import { projectFiles, readSource } from './source-files.ts';

/** A variable as the code reads it. */
export interface ReadVariable {
  readonly name: string;
  /** As in the documents: a literal, `required`, `empty`, or `undefined` if it is computed. */
  readonly fallback: string | undefined;
}

const reading =
  /\b(?:settings|own)\s*\.(text|flag|integer|duration|url|list|parsed)\(\s*'(\w+)'\s*,?\s*([^,)\n]*),?\s*([^,)\n]*)/g;

/** Every variable that functions of the platform can read, from the sources. */
export function variablesInCode(): ReadVariable[] {
  return projectFiles('functions', 'shared')
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) =>
      [...readSource(path).matchAll(reading)].map(
        ([, kind, name = '', second = '', third = '']) => ({
          name,
          fallback: fallbackOf(kind, kind === 'parsed' ? third : second),
        }),
      ),
    );
}

function fallbackOf(kind: string | undefined, literal: string): string | undefined {
  if (literal === '') return kind === 'list' ? 'empty' : 'required';
  if (literal === "''") return 'empty';
  const text = /^'(.*)'$/.exec(literal)?.[1] ?? literal;
  return /^[\w:/.,-]+$/.test(text) ? text : undefined;
}

/** Every secret that functions of the platform can read, from the sources. */
export function secretsInCode(): Set<string> {
  const names = projectFiles('functions', 'shared')
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => [
      ...readSource(path).matchAll(
        /\b(?:settings|own)\s*\.(?:secret|optionalSecret)\(\s*'([\w-]+)'/g,
      ),
      ...readSource(path).matchAll(/'private_key_filename', '([\w-]+)'/g),
      ...readSource(path).matchAll(/join\(secretFolder\(\), '([\w-]+)'\)/g),
    ]);
  return new Set(names.map((match) => match[1] ?? ''));
}

/** A documented name, and the functions that the document says read it. */
export type Readers = ReadonlyMap<string, readonly string[]>;

const configuration = () => readSource('docs/configuration.md');

/** The table of the platform's variables: name, default, functions. */
export function documentedVariables(functions: readonly string[]) {
  return tableRows(configuration(), 'name')
    .filter((cells) => cells.length === 4)
    .map(([name = '', fallback = '', meaning = '', readers = '']) => ({
      name,
      fallback,
      meaning,
      readers: expand(readers, functions),
    }));
}

/** The table of the runtime's variables: name, default. */
export function documentedRuntimeVariables() {
  return tableRows(configuration(), 'name')
    .filter((cells) => cells.length === 3)
    .map(([name = '', fallback = '', meaning = '']) => ({ name, fallback, meaning }));
}

/** The table of secrets in docs/configuration.md. */
export function documentedSecrets(functions: readonly string[]) {
  return tableRows(configuration(), 'secret').map(([name = '', readers = '', note = '']) => ({
    name,
    readers: expand(readers, functions),
    /** `optional`, or `optional in a, b`. */
    optional: (reader: string) => {
      const only = /^optional in ([^:]+):/.exec(note)?.[1];
      return (
        note.startsWith('optional') && (only === undefined || only.split(', ').includes(reader))
      );
    },
  }));
}

/** The tables of secrets in secrets/README.md. */
export function secretsReadme(functions: readonly string[]): Map<string, string[]> {
  const rows = tableRows(readSource('secrets/README.md'), 'secret');
  return new Map(rows.map((cells) => [cells[0] ?? '', expand(cells.at(-1) ?? '', functions)]));
}

/** `a, b` or `all but a`. */
function expand(text: string, functions: readonly string[]): string[] {
  const [, except] = /^all but (.+)$/.exec(text) ?? [];
  const named = (except ?? text).split(', ');
  const readers = except === undefined ? named : functions.filter((name) => !named.includes(name));
  return [...readers].sort();
}
