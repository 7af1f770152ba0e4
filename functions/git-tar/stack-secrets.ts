import { CloudError } from '#shared/errors.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import type { DeploymentRef } from '#shared/pipeline/deployment.ts';
import { findSealedFiles, storeSealedFiles } from '#shared/sealed-secrets/sealed-files.ts';
import { versionOf } from '#shared/sealed-secrets/sealed-secret.ts';
import type { Imported, SecretsClient } from '#shared/sealed-secrets/secrets-messages.ts';
import type { SourceTree } from '#shared/shrinkwrap/source-tree.ts';
import { lineOf, type StackFile, type StackFunction } from '#shared/stack-file/stack-file.ts';

/** Puts a repo's sealed secrets in place and tells what there is; `undefined`: nobody can tell. */
export type ImportSecrets = (
  repo: SourceTree,
  buildOnly: readonly string[],
) => Promise<Imported | undefined>;

/** Makes {@link ImportSecrets} for one deployment. */
export function createImportSecrets(
  store: ObjectStore,
  client: SecretsClient,
  ref: DeploymentRef,
): ImportSecrets {
  return async (repo, buildOnly) => {
    const files = await findSealedFiles(repo);
    if (files.length > 0) await storeSealedFiles(store, ref, files);
    const imported = await client.import(ref, buildOnly);
    if (imported !== undefined || files.length === 0) return imported;
    throw new CloudError(
      'OFC_CONFIG',
      'This platform cannot open the sealed secrets of the repo.',
      {
        hint: 'The operator can deploy import-secrets; without it, remove the sealed file.',
      },
    );
  };
}

/**
 * Puts in place what the repo seals, and makes sure that every secret exists which a function names:
 * better now than after its build.
 *
 * @returns `undefined` if the stack has to do with no secret
 * @throws CloudError `OFC_SECRETS` with the line, and the names that exist
 */
export async function stackSecrets(
  { functions }: StackFile,
  fileName: string,
  repo: SourceTree,
  importSecrets: ImportSecrets,
): Promise<Imported | undefined> {
  const wanted = functions.filter(({ skipBuild }) => !skipBuild);
  const named = new Set(wanted.flatMap(({ secrets }) => secrets));
  const forBuilds = new Set(wanted.flatMap(({ buildSecrets }) => Object.keys(buildSecrets)));
  const files = await findSealedFiles(repo);
  if (named.size + forBuilds.size + files.length === 0) return undefined;
  const buildOnly = [...forBuilds].filter((id) => !named.has(id));
  const imported = await importSecrets(repo, buildOnly);
  for (const fn of wanted) {
    const known = imported && Object.keys(imported.secrets);
    requireAll(fn, fileName, 'secrets', fn.secrets, known);
    requireAll(fn, fileName, 'build_secrets', Object.keys(fn.buildSecrets), imported?.sealed ?? []);
  }
  return imported;
}

/** A digest that changes with the sealed secrets of a function; `undefined` if it has none. */
export function secretsVersion(
  { secrets }: StackFunction,
  imported: Imported | undefined,
): string | undefined {
  const sealed = secrets.flatMap((name) => {
    const version = imported?.secrets[name];
    return version ? [[name, version] as const] : [];
  });
  return sealed.length === 0 ? undefined : versionOf(Object.fromEntries(sealed));
}

function requireAll(
  fn: StackFunction,
  fileName: string,
  key: 'secrets' | 'build_secrets',
  wanted: readonly string[],
  existing: readonly string[] | undefined,
): void {
  const missing = existing && wanted.find((name) => !existing.includes(name));
  if (existing === undefined || missing === undefined) return;
  const what = key === 'secrets' ? 'secret' : 'build secret';
  const list = existing.length === 0 ? 'There are none yet.' : `There are: ${existing.join(', ')}.`;
  throw new CloudError(
    'OFC_SECRETS',
    `${fileName} line ${lineOf(fn, key, missing)}: "${fn.key}" names the ${what} "${missing}", which does not exist. ${list}`,
    { hint: 'Seal it with "faas-cli secret seal" and commit the file, or mend the name.' },
  );
}
