import { CloudError } from '../errors.ts';
import { type EmptyVariable, type Environment, substitute } from './envsubst.ts';
import { parseFunction } from './parse-function.ts';
import { readYaml } from './read-yaml.ts';
import { readRelativePath } from './relative-path.ts';
import type { StackFile, StackFunction, TemplateSource } from './stack-file.ts';
import { StackWarnings } from './stack-warnings.ts';
import type { YamlValue } from './yaml-value.ts';

/** How a stack file is read. */
export interface ParseStackOptions {
  /** Variables for `${…}`. Never the process's own environment: a tenant's file could print it. */
  readonly env?: Readonly<Record<string, string>>;
  /** The file's name in messages. Default `stack.yml`. */
  readonly fileName?: string;
  /** Whether `${…}` is replaced at all. Default true. */
  readonly envsubst?: boolean;
}

const maxFunctions = 100;
const maxCopies = 100;

/**
 * Reads a stack file once, into the one validated value that everything else uses.
 *
 * The keys and their types are those of faas-cli; unknown keys and `${NAME}` without a value become warnings. Stricter than faas-cli:
 * function keys are DNS labels, paths stay below the repo's root, `lang: Dockerfile` is `dockerfile`.
 *
 * @throws CloudError `OFC_STACK_INVALID`: `stack.yml line N: what.`, with the fix as its hint
 * @see https://docs.openfaas.com/reference/yaml/
 *
 * @example
 * const stack = parseStack(text, { env: { TAG: '1.2' } });
 * stack.functions.map((fn) => fn.key);
 */
export function parseStack(text: string, options: ParseStackOptions = {}): StackFile {
  const { env = {}, fileName = 'stack.yml', envsubst = true } = options;
  const environment: Environment = (name) => (Object.hasOwn(env, name) ? env[name] : undefined);
  const empty: EmptyVariable[] = [];
  const source = envsubst
    ? substitute(text, environment, fileName, (variable) => empty.push(variable))
    : text;
  const root = readYaml(source, { fileName, code: 'OFC_STACK_INVALID' });
  const warnings = new StackWarnings();
  try {
    if (empty.length > 0) warnings.emptyVariables(empty, fileName, functionLines(root));
    return parseRoot(root, warnings);
  } catch (error) {
    throw withWarnings(error, warnings);
  }
}

/** Which function a line belongs to, if it is one alone. */
function functionLines(root: YamlValue): (line: number) => string | undefined {
  const top = root.map();
  const functions = top.get('functions');
  const starts = Array.from(functions?.map() ?? [], ([key, { line }]) => ({ key, line }));
  const end = Math.min(
    ...Array.from(top.values(), ({ line }) => line).filter((line) => line > (functions?.line ?? 0)),
  );
  return (line) => {
    const from = Math.max(...starts.map((start) => start.line).filter((start) => start <= line));
    const [first, second] = starts.filter((start) => start.line === from);
    return line >= end || second ? undefined : first?.key;
  };
}

/** A key that nobody knows is often why another one is missing. */
function withWarnings(error: unknown, { all }: StackWarnings): unknown {
  if (!(error instanceof CloudError) || all.length === 0) return error;
  const hint = [error.hint, ...all.slice(0, 5)].filter(Boolean).join(' ');
  return new CloudError(error.code, error.message, { hint, cause: error });
}

function parseRoot(root: YamlValue, warnings: StackWarnings): StackFile {
  const top = root.map();
  warnings.unknownKeys(top, ['version', 'provider', 'functions', 'configuration']);

  const version = top.get('version');
  if (version && !['', '1.0'].includes(version.text())) {
    throw version.error(`version must be 1.0, not ${JSON.stringify(version.text())}.`);
  }
  checkProvider(root, top.get('provider'), warnings);
  return {
    functions: parseFunctions(root, top.get('functions'), warnings),
    configuration: parseConfiguration(top.get('configuration'), warnings),
    warnings: warnings.all,
  };
}

function checkProvider(
  root: YamlValue,
  provider: YamlValue | undefined,
  warnings: StackWarnings,
): void {
  const fields = provider?.map();
  if (fields) warnings.unknownKeys(fields, ['name', 'gateway']);
  fields?.get('gateway')?.text();
  const name = fields?.get('name');
  if (name?.text() === 'openfaas') return;
  throw (name ?? provider ?? root).error(
    'provider.name must be openfaas.',
    'Begin the file with "provider:" and, indented below it, "name: openfaas".',
  );
}

function parseFunctions(
  root: YamlValue,
  functions: YamlValue | undefined,
  warnings: StackWarnings,
): StackFunction[] {
  const entries = functions?.map() ?? new Map<string, YamlValue>();
  if (entries.size === 0) {
    throw (functions ?? root).error('There are no functions.', 'Add one below "functions:".');
  }
  if (entries.size > maxFunctions) {
    throw (functions ?? root).error(
      `There are ${entries.size} functions; at most ${maxFunctions} are allowed.`,
      'Split them over several repos.',
    );
  }
  return Array.from(entries, ([key, value]) => parseFunction(key, value, warnings));
}

function parseConfiguration(
  value: YamlValue | undefined,
  warnings: StackWarnings,
): StackFile['configuration'] {
  const fields = value?.map() ?? new Map<string, YamlValue>();
  warnings.unknownKeys(fields, ['templates', 'copy']);
  const copies = fields.get('copy')?.list() ?? [];
  const surplus = copies[maxCopies];
  if (surplus) throw surplus.error(`At most ${maxCopies} paths can be copied.`);
  return {
    templates: (fields.get('templates')?.list() ?? []).map((item) => parseTemplate(item, warnings)),
    copy: [...new Set(copies.map(parseCopy))],
  };
}

function parseCopy(value: YamlValue): string {
  const path = readRelativePath(value);
  if (path === '.') {
    throw value.error(
      'The whole repo cannot be copied into a function.',
      'Name the folders it needs.',
    );
  }
  return path;
}

function parseTemplate(value: YamlValue, warnings: StackWarnings): TemplateSource {
  const fields = value.map();
  warnings.unknownKeys(fields, ['name', 'source']);
  const name = fields.get('name')?.text() ?? '';
  if (name === '') throw value.error('A template needs a name.');
  return { name, source: fields.get('source')?.text() ?? '', line: value.line };
}
