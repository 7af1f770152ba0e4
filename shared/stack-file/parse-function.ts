import { type FunctionKey, parseFunctionKey } from '../names.ts';
import { checkProtection } from './check-protection.ts';
import { readRelativePath } from './relative-path.ts';
import type { Resources, StackFunction } from './stack-file.ts';
import type { StackWarnings } from './stack-warnings.ts';
import type { YamlValue } from './yaml-value.ts';

const knownKeys = [
  'lang',
  'handler',
  'image',
  'fprocess',
  'environment',
  'environment_file',
  'secrets',
  'skip_build',
  'constraints',
  'labels',
  'annotations',
  'limits',
  'requests',
  'readonly_root_filesystem',
  'build_options',
  'build_args',
  'build_secrets',
  'namespace',
  'platforms',
] as const;

/** The names Kubernetes takes for an environment variable. */
const variableName = /^[-._A-Za-z][-._A-Za-z0-9]*$/;
const dnsLabel = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const secretName = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/;
const quantity = /^\d+(?:\.\d+)?(?:[numkMGTPE]|[KMGTPE]i|e\d{1,2})?$/;

/**
 * Validates one entry of `functions`.
 *
 * @throws CloudError `OFC_STACK_INVALID` with the line
 */
export function parseFunction(
  name: string,
  value: YamlValue,
  warnings: StackWarnings,
): StackFunction {
  const key = readKey(name, value);
  const fields = value.map();
  warnings.unknownKeys(fields, knownKeys);
  const get = (field: (typeof knownKeys)[number]) => fields.get(field);

  const skipBuild = get('skip_build')?.flag() ?? false;
  const fprocess = get('fprocess')?.text() ?? '';
  const namespace = readNamespace(get('namespace'));
  checkProtection(get('annotations'), get('labels'));
  return {
    key,
    line: value.line,
    lines: linesOf(fields),
    lang: readLanguage(key, value, get('lang'), skipBuild),
    handler: readHandler(key, value, get('handler'), skipBuild),
    image: readImage(key, value, get('image')),
    ...(fprocess !== '' && { fprocess }),
    environment: readVariables(get('environment'), 'variable'),
    environmentFiles: (get('environment_file')?.list() ?? []).map(readRelativePath),
    secrets: [...new Set(readTexts(get('secrets'), secretName))],
    constraints: readTexts(get('constraints')),
    labels: readTextMap(get('labels')),
    annotations: readTextMap(get('annotations')),
    limits: readResources(get('limits'), warnings),
    requests: readResources(get('requests'), warnings),
    readOnlyRootFilesystem: get('readonly_root_filesystem')?.flag() ?? false,
    skipBuild,
    buildArgs: readVariables(get('build_args'), 'build argument'),
    buildOptions: readTexts(get('build_options')),
    buildSecrets: readBuildSecrets(get('build_secrets')),
    platforms: (get('platforms')?.text() ?? '')
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
    ...(namespace !== '' && { namespace }),
  };
}

/** Lists by their items, maps by their keys: what is found missing later is said with its line. */
function linesOf(fields: ReadonlyMap<string, YamlValue>): Map<string, number> {
  const lines = new Map(Array.from(fields, ([key, { line }]) => [key, line]));
  for (const key of ['secrets', 'environment_file']) {
    for (const item of fields.get(key)?.list() ?? []) {
      const name = key === 'secrets' ? item.text() : readRelativePath(item);
      lines.set(`${key}.${name}`, item.line);
    }
  }
  for (const [id, { line }] of fields.get('build_secrets')?.map() ?? []) {
    lines.set(`build_secrets.${id}`, line);
  }
  return lines;
}

function readKey(name: string, value: YamlValue): FunctionKey {
  try {
    return parseFunctionKey(name);
  } catch {
    throw value.error(
      `The function name ${JSON.stringify(name.slice(0, 100))} cannot be used.`,
      'Use at most 63 lower-case letters, digits and hyphens; begin and end with a letter or digit.',
    );
  }
}

function readLanguage(
  key: FunctionKey,
  fn: YamlValue,
  value: YamlValue | undefined,
  skipBuild: boolean,
): string {
  const lang = value?.text() ?? '';
  if (lang === '' && skipBuild) return '';
  if (lang === '') {
    throw fn.error(
      `The function "${key}" has no lang.`,
      'Name its template, such as lang: node-ts.',
    );
  }
  // A ban on plain Dockerfiles must not depend on how the word is spelled.
  if (lang.toLowerCase() === 'dockerfile') return 'dockerfile';
  if (!/^[A-Za-z0-9][\w.-]*(?:@[\w./-]+)?$/.test(lang) || lang.length > 100) {
    throw (value ?? fn).error(
      `The lang ${JSON.stringify(lang.slice(0, 100))} is not a template's name.`,
    );
  }
  return lang;
}

function readHandler(
  key: FunctionKey,
  fn: YamlValue,
  value: YamlValue | undefined,
  skipBuild: boolean,
): string {
  if (value && !value.isNull) return readRelativePath(value);
  if (skipBuild) return '';
  throw fn.error(
    `The function "${key}" has no handler.`,
    `Name its folder, such as handler: ./${key}.`,
  );
}

function readImage(key: FunctionKey, fn: YamlValue, value: YamlValue | undefined): string {
  const image = value?.text() ?? '';
  if (image === '') {
    throw fn.error(`The function "${key}" has no image.`, `Add one, such as image: ${key}:latest.`);
  }
  if (!/^[A-Za-z0-9][\w.:/@-]*$/.test(image) || image.length > 255) {
    throw (value ?? fn).error(`${JSON.stringify(image.slice(0, 100))} is not an image reference.`);
  }
  return image;
}

function readNamespace(value: YamlValue | undefined): string {
  const namespace = value?.text() ?? '';
  if (value && namespace !== '' && !dnsLabel.test(namespace)) {
    throw value.error(`The namespace ${JSON.stringify(namespace.slice(0, 100))} cannot be used.`);
  }
  return namespace;
}

function readTextMap(value: YamlValue | undefined): Record<string, string> {
  const entries = Array.from(value?.map() ?? [], ([key, text]) => {
    if (key === '') throw text.error(`${value?.place} has an empty key.`);
    return [key, text.text()] as const;
  });
  return Object.fromEntries(entries);
}

function readVariables(value: YamlValue | undefined, what: string): Record<string, string> {
  for (const [name, text] of value?.map() ?? []) {
    if (!variableName.test(name)) {
      throw text.error(
        `The ${what} name ${JSON.stringify(name.slice(0, 100))} cannot be used.`,
        'Use letters, digits, "_", "-" and "."; do not begin with a digit.',
      );
    }
  }
  return readTextMap(value);
}

function readTexts(value: YamlValue | undefined, pattern = /./): string[] {
  return (value?.list() ?? []).map((item) => {
    const text = item.text();
    if (!pattern.test(text)) {
      throw item.error(`${item.place}: ${JSON.stringify(text.slice(0, 100))} cannot be used.`);
    }
    return text;
  });
}

function readResources(value: YamlValue | undefined, warnings: StackWarnings): Resources {
  const fields = value?.map() ?? new Map<string, YamlValue>();
  warnings.unknownKeys(fields, ['memory', 'cpu']);
  const read = (name: string): string => {
    const field = fields.get(name);
    const text = field?.text() ?? '';
    if (field && text !== '' && !quantity.test(text)) {
      throw field.error(
        `${field.place}: ${JSON.stringify(text.slice(0, 60))} is not a quantity.`,
        'Write for example memory: 128Mi or cpu: 100m.',
      );
    }
    return text;
  };
  const memory = read('memory');
  const cpu = read('cpu');
  return { ...(memory !== '' && { memory }), ...(cpu !== '' && { cpu }) };
}

function readBuildSecrets(value: YamlValue | undefined): Record<string, string> {
  const entries = Array.from(value?.map() ?? [], ([id, path]) => {
    if (!/^[A-Za-z0-9][\w.-]*$/.test(id)) {
      throw path.error(`The build secret ${JSON.stringify(id.slice(0, 100))} cannot be used.`);
    }
    return [id, readRelativePath(path)] as const;
  });
  return Object.fromEntries(entries);
}
