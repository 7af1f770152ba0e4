import { createHash } from 'node:crypto';
import { type Owner, type SecretName, secretName, shortSecretName } from '../names.ts';
import type { YamlValue } from '../stack-file/yaml-value.ts';

/** The API of the SealedSecrets controller, as in its custom resource definition. */
export const sealedSecretApi = {
  apiVersion: 'bitnami.com/v1alpha1',
  kind: 'SealedSecret',
} as const;

/** A SealedSecret of a tenant, reduced to what may go into the cluster. */
export interface SealedSecret {
  readonly name: SecretName;
  /** Key to sealed value, in base64. */
  readonly encryptedData: Readonly<Record<string, string>>;
  readonly line: number;
  /** What was left out, for the check. */
  readonly warnings: readonly string[];
}

/** Whose SealedSecrets are taken, and where they go. */
export interface SealedSecretRules {
  readonly owner: Owner;
  /** The namespace of functions. */
  readonly namespace: string;
}

const scopes = ['cluster-wide', 'namespace-wide'].map(
  (scope) => `sealedsecrets.bitnami.com/${scope}`,
);
const dataKey = /^[-._a-zA-Z0-9]{1,253}$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Whether a document of `secrets.yml` is meant to be a SealedSecret, right or wrong. */
export function isSealedSecret(document: YamlValue): boolean {
  const fields = document.map();
  return fields.has('kind') || fields.has('apiVersion');
}

/**
 * Reads one SealedSecret of a tenant. Only its name and its sealed values are taken; name and namespace
 * are bound into them by the strict scope, so another owner's cannot be opened under another name.
 *
 * @throws CloudError with the file's code and the line
 */
export function parseSealedSecret(document: YamlValue, rules: SealedSecretRules): SealedSecret {
  const fields = document.map();
  for (const [name, expected] of Object.entries(sealedSecretApi)) {
    const field = fields.get(name);
    if (field?.text() === expected) continue;
    throw (field ?? document).error(`The ${name} must be ${expected}.`, 'Make it with kubeseal.');
  }
  const metadata = fields.get('metadata')?.map() ?? new Map<string, YamlValue>();
  const warnings: string[] = [];
  const name = readName(document, metadata.get('name'), rules.owner);
  requireNamespace(metadata.get('namespace'), rules.namespace);
  requireStrictScope(metadata);

  const spec = fields.get('spec');
  const parts = spec?.map() ?? new Map<string, YamlValue>();
  checkTemplate(parts.get('template'), name, rules.namespace, warnings);
  for (const left of ['labels', 'annotations', 'finalizers', 'ownerReferences']) {
    const value = metadata.get(left);
    if (value !== undefined) warnings.push(value.message(`metadata.${left} is left out.`));
  }
  const old = parts.get('data');
  if (old && !old.isNull) {
    throw old.error('spec.data is an old form.', 'Make the file again with kubeseal.');
  }
  const encryptedData = readData(spec ?? document, parts.get('encryptedData'));
  return { name, encryptedData, line: document.line, warnings };
}

/** A digest of the sealed values: another one may mean other values. */
export function versionOf(sealed: Readonly<Record<string, string>>): string {
  const entries = Object.entries(sealed).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex').slice(0, 16);
}

function readName(document: YamlValue, value: YamlValue | undefined, owner: Owner): SecretName {
  const name = value?.text() ?? '';
  const short = shortSecretName(owner, name);
  if (short !== undefined) return secretName(owner, short);
  throw (value ?? document).error(
    `The secret name ${JSON.stringify(name.slice(0, 100))} is not one of "${owner}".`,
    'Seal it under the owner, a hyphen and a name of your own; hyphens of the owner are doubled.',
  );
}

function requireNamespace(value: YamlValue | undefined, namespace: string): void {
  const found = value?.text() ?? '';
  if (value === undefined || found === '' || found === namespace) return;
  throw value.error(
    `The namespace ${JSON.stringify(found.slice(0, 100))} is not the functions' one.`,
    `Seal it with --namespace ${namespace}.`,
  );
}

function requireStrictScope(metadata: ReadonlyMap<string, YamlValue>): void {
  const annotations = metadata.get('annotations')?.map();
  for (const scope of scopes) {
    const value = annotations?.get(scope);
    if (value === undefined || /^(?:false)?$/i.test(value.text())) continue;
    throw value.error(
      `${scope} is not taken: others could open the values under another name.`,
      'Seal again with the strict scope, which is the default.',
    );
  }
}

/** What a secret is made into is ours; only what kubeseal always writes passes silently. */
function checkTemplate(
  value: YamlValue | undefined,
  name: string,
  namespace: string,
  warnings: string[],
): void {
  const fields = value?.map() ?? new Map<string, YamlValue>();
  const type = fields.get('type');
  if (type !== undefined && !['', 'Opaque'].includes(type.text())) {
    throw type.error(
      `The type ${JSON.stringify(type.text().slice(0, 100))} is not taken.`,
      'Use Opaque.',
    );
  }
  const data = fields.get('data');
  if (data && !data.isNull)
    throw data.error('spec.template.data is not taken.', 'Seal the values.');
  const metadata = fields.get('metadata')?.map() ?? new Map<string, YamlValue>();
  for (const [field, expected] of Object.entries({ name, namespace })) {
    const found = metadata.get(field);
    if (found === undefined || ['', expected].includes(found.text())) continue;
    throw found.error(`spec.template.metadata.${field} is not "${expected}".`, 'Seal it again.');
  }
  requireStrictScope(metadata);
  for (const [field, found] of metadata) {
    if (['name', 'namespace', 'creationTimestamp'].includes(field)) continue;
    warnings.push(found.message(`spec.template.metadata.${field} is left out.`));
  }
  for (const [field, found] of fields) {
    if (['type', 'data', 'metadata'].includes(field)) continue;
    warnings.push(found.message(`spec.template.${field} is left out.`));
  }
}

function readData(spec: YamlValue, value: YamlValue | undefined): Record<string, string> {
  const entries = Array.from(value?.map() ?? [], ([key, sealed]) => {
    if (!dataKey.test(key) || /^\.\.?$/.test(key)) {
      throw sealed.error(`The key ${JSON.stringify(key.slice(0, 100))} cannot be used.`);
    }
    const text = sealed.text();
    if (text === '' || !base64.test(text)) {
      throw sealed.error(`The value of "${key}" is not base64.`, 'Seal it again with kubeseal.');
    }
    return [key, text] as const;
  });
  if (entries.length === 0) {
    throw (value ?? spec).error('There are no sealed values.', 'Remove the document.');
  }
  return Object.fromEntries(entries);
}
