import type { KeyObject } from 'node:crypto';
import { CloudError, toCloudError } from '#shared/errors.ts';
import { type Owner, type SecretName, secretName } from '#shared/names.ts';
import { openSecrets, ownerKeys, type SealingKeys } from '#shared/sealed-box.ts';
import { openSealedValue } from '#shared/sealed-secrets/open-sealed-secret.ts';
import type { SealedFile } from '#shared/sealed-secrets/sealed-files.ts';
import {
  isSealedSecret,
  parseSealedSecret,
  type SealedSecret,
  versionOf,
} from '#shared/sealed-secrets/sealed-secret.ts';
import { readYamlDocuments } from '#shared/stack-file/read-yaml.ts';

/** What opening works with. */
export interface Opening {
  /** The platform's key pairs, the current one first. */
  readonly keys: readonly SealingKeys[];
  /** The namespace of functions. */
  readonly namespace: string;
  /** Whether SealedSecrets go to a controller, as they are. */
  readonly hasController: boolean;
  /** Keys of a controller elsewhere, to open SealedSecrets here. */
  readonly controllerKeys: readonly KeyObject[];
}

/** One sealed secret of a repo that goes into the cluster. */
export type SecretToPut =
  | {
      readonly kind: 'gateway';
      readonly name: SecretName;
      readonly version: string;
      readonly value: Buffer;
    }
  | {
      readonly kind: 'sealed-secret';
      readonly name: SecretName;
      readonly version: string;
      readonly encryptedData: SealedSecret['encryptedData'];
    };

/** The sealed files of one push, read and opened. */
export interface ReadSealed {
  readonly secrets: readonly SecretToPut[];
  /** Every name in sealed boxes, also those for builds. */
  readonly boxes: ReadonlyMap<string, Buffer>;
  readonly warnings: readonly string[];
}

/**
 * Opens what a repo seals. Nothing is put in place here, so that a mistake in the last line leaves all as
 * it was.
 *
 * @param isForBuilds Whether no function reads a sealed box at run time.
 * @throws CloudError `OFC_SECRETS`, `OFC_NAME_INVALID` or `OFC_NAME_TAKEN`, with file and line
 */
export function readSealed(
  opening: Opening,
  owner: Owner,
  files: readonly SealedFile[],
  isForBuilds: (name: string) => boolean,
): ReadSealed {
  const found = new Map<SecretName, SecretToPut>();
  const boxes = new Map<string, Buffer>();
  const warnings: string[] = [];
  const add = (secret: SecretToPut, place: string): void => {
    if (found.has(secret.name)) throw twice(place, secret.name);
    found.set(secret.name, secret);
  };
  for (const { name: fileName, text } of files) {
    const all = readYamlDocuments(text, { fileName, code: 'OFC_SECRETS' });
    const documents = all.filter((document) => !document.isNull);
    if (documents.some(isSealedSecret)) {
      for (const document of documents) {
        const sealed = parseSealedSecret(document, { owner, namespace: opening.namespace });
        const place = `${fileName} line ${sealed.line}`;
        add(secretOf(opening, sealed, place, warnings), place);
        warnings.push(...sealed.warnings);
      }
    } else if (documents.length > 0) {
      const keys = opening.keys.map((pair) => ownerKeys(pair, owner));
      for (const [short, { value, sealed, line }] of openSecrets(text, keys, fileName)) {
        const place = `${fileName} line ${line}`;
        if (boxes.has(short)) throw twice(place, short);
        boxes.set(short, value);
        if (isForBuilds(short)) continue;
        const name = nameAt(place, owner, short);
        add({ kind: 'gateway', name, version: versionOf({ [short]: sealed }), value }, place);
      }
    }
  }
  return { secrets: [...found.values()], boxes, warnings };
}

function secretOf(
  { hasController, controllerKeys, namespace }: Opening,
  { name, encryptedData }: SealedSecret,
  place: string,
  warnings: string[],
): SecretToPut {
  const version = versionOf(encryptedData);
  if (hasController) return { kind: 'sealed-secret', name, version, encryptedData };
  if (controllerKeys.length === 0) {
    throw new CloudError('OFC_SECRETS', `${place}: this platform cannot open SealedSecrets.`, {
      hint: 'Seal with "faas-cli secret seal" and the platform\'s public key instead.',
    });
  }
  const [[key, sealed], second] = Object.entries(encryptedData) as [[string, string], unknown];
  if (second !== undefined) {
    throw new CloudError('OFC_SECRETS', `${place}: "${name}" has more than one key.`, {
      hint: 'Outside of Kubernetes a secret is one file: make a SealedSecret for each.',
    });
  }
  const value = openSealedValue(Buffer.from(sealed, 'base64'), { namespace, name }, controllerKeys);
  if (value === undefined) {
    throw new CloudError(
      'OFC_SECRETS',
      `${place}: "${key}" of "${name}" cannot be opened: it was sealed for another key, name or namespace.`,
      { hint: `Seal it again as ${name} in namespace ${namespace}.` },
    );
  }
  if (key !== name) {
    warnings.push(
      `${place}: functions read "${key}" here as ${name}; call the key so, to be the same everywhere.`,
    );
  }
  return { kind: 'gateway', name, version, value };
}

/** The name in the cluster; what is wrong with it is said with its place. */
function nameAt(place: string, owner: Owner, short: string): SecretName {
  try {
    return secretName(owner, short);
  } catch (error) {
    const { code, message, hint } = toCloudError(error);
    const how = hint ?? 'Use lower-case letters, digits and hyphens, or name it in build_secrets.';
    throw new CloudError(code, `${place}: ${message}`, { hint: how });
  }
}

function twice(place: string, name: string): CloudError {
  return new CloudError('OFC_SECRETS', `${place}: "${name}" is sealed twice.`, {
    hint: 'Keep each secret in one place.',
  });
}
