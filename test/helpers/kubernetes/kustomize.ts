import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Json, type Manifest, parseManifests } from './manifest.ts';

interface Target {
  select: { kind?: string; name?: string; namespace?: string };
  fieldPaths: string[];
  options?: { delimiter: string; index: number };
}

interface Kustomization {
  resources?: string[];
  components?: string[];
  configMapGenerator?: { name: string; namespace: string; files: string[] }[];
  replacements?: { source: { kind: string; name: string; fieldPath: string }; targets: Target[] }[];
}

const keys = new Set([
  'apiVersion',
  'kind',
  'resources',
  'components',
  'configMapGenerator',
  'replacements',
]);

/**
 * What `kubectl kustomize <folder>` gives, for the part of kustomize that `deploy/kubernetes` uses; only
 * the hash at the end of generated names is left out. `test/engines/kustomize` compares it with the real
 * one.
 *
 * @param parameters Values for the ConfigMap `parameters`, instead of those in its file.
 * @throws Error for a field that it does not know.
 */
export function kustomize(
  folder: string,
  parameters: Readonly<Record<string, string>> = {},
): Manifest[] {
  const objects = build(folder, [], parameters);
  return objects.filter(
    ({ metadata }) => metadata.annotations?.['config.kubernetes.io/local-config'] !== 'true',
  );
}

function build(
  folder: string,
  given: Manifest[],
  parameters: Readonly<Record<string, string>>,
): Manifest[] {
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const [kustomization] = parseManifests(read('kustomization.yaml')) as unknown as Kustomization[];
  for (const key of Object.keys(kustomization ?? {})) {
    if (!keys.has(key)) throw new Error(`${folder}: ${key} is not among what the tests know.`);
  }
  let objects = [...given];
  for (const name of kustomization?.resources ?? []) {
    objects.push(
      ...(name.endsWith('.yaml')
        ? parseManifests(read(name))
        : build(join(folder, name), [], parameters)),
    );
  }
  for (const { name, namespace, files } of kustomization?.configMapGenerator ?? []) {
    const data = Object.fromEntries(files.map((file) => [file, read(file)]));
    objects.push({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data });
  }
  for (const object of objects) {
    if (object.kind === 'ConfigMap' && object.metadata.name === 'parameters') {
      Object.assign(object['data'] as Record<string, string>, parameters);
    }
  }
  for (const name of kustomization?.components ?? []) {
    objects = build(join(folder, name), objects, parameters);
  }
  for (const { source, targets } of kustomization?.replacements ?? []) {
    const from = objects.find((o) => o.kind === source.kind && o.metadata.name === source.name);
    const value = get(from as unknown as Json, fieldsOf(source.fieldPath));
    if (typeof value !== 'string') throw new Error(`${source.fieldPath} is not there.`);
    for (const target of targets) replace(objects, target, value);
  }
  return objects;
}

function replace(
  objects: Manifest[],
  { select, fieldPaths, options }: Target,
  value: string,
): void {
  const chosen = objects.filter(
    ({ kind, metadata }) =>
      (select.kind === undefined || select.kind === kind) &&
      (select.name === undefined || select.name === metadata.name) &&
      (select.namespace === undefined || select.namespace === metadata.namespace),
  );
  for (const object of chosen) {
    for (const path of fieldPaths) {
      const fields = fieldsOf(path);
      const last = fields.pop() ?? '';
      const holder = get(object as unknown as Json, fields) as Record<string, Json>;
      const before = holder?.[last];
      // A field that is missing is not made (kustomize: an error unless "create" is set).
      if (typeof before !== 'string') continue;
      const parts = options === undefined ? [before] : before.split(options.delimiter);
      parts[options?.index ?? 0] = value;
      holder[last] = parts.join(options?.delimiter);
    }
  }
}

/** `spec.listeners.[name=system].hostname`, `….[kubernetes.io/metadata.name]`. */
function fieldsOf(path: string): string[] {
  return [...path.matchAll(/\[([^\]]+)\]|([^.]+)/g)].map((match) => match[1] ?? match[2] ?? '');
}

function get(value: Json | undefined, fields: readonly string[]): Json | undefined {
  let found = value;
  for (const field of fields) {
    if (Array.isArray(found)) {
      const [, key, wanted] = /^(\w+)=(.*)$/.exec(field) ?? [];
      found =
        key === undefined
          ? found[Number(field)]
          : found.find((item) => (item as Record<string, Json>)[key] === wanted);
    } else {
      found = (found as Record<string, Json> | undefined)?.[field];
    }
  }
  return found;
}
