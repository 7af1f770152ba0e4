import { CloudError } from '#shared/errors.ts';
import { shortSecretName } from '#shared/names.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import type { Deployment, DeploymentRef } from '#shared/pipeline/deployment.ts';
import { isNewestHead, type Records } from '#shared/pipeline/records.ts';
import { parsePublicKey, sealSecrets } from '#shared/sealed-box.ts';
import { loadSealedFiles } from '#shared/sealed-secrets/sealed-files.ts';
import type { Imported } from '#shared/sealed-secrets/secrets-messages.ts';
import { type Opening, readSealed, type SecretToPut } from './read-sealed.ts';
import type { SecretPlaces } from './secret-places.ts';
import type { SecretRecords } from './secret-records.ts';

/** What importing works with. */
export interface Importing {
  readonly records: Pick<Records, 'load' | 'newestHead'>;
  readonly store: ObjectStore;
  readonly secretRecords: SecretRecords;
  readonly places: SecretPlaces;
  readonly opening: Opening;
}

/**
 * Puts the sealed secrets of a deployment in place, all or, if one of them is wrong, none. A push that is
 * not its branch's newest any more changes nothing.
 *
 * @returns the names of the owner's secrets, what the repo seals, and what was left out
 * @throws CloudError `OFC_SECRETS` and others of kind `user`, with file and line
 */
export async function importSecrets(
  deps: Importing,
  ref: DeploymentRef,
  buildOnly: readonly string[],
): Promise<Imported> {
  const deployment = await deploymentOf(deps, ref);
  const { owner } = deployment;
  const files = await loadSealedFiles(deps.store, ref);
  const { secrets, boxes, warnings } = readSealed(deps.opening, owner, files, (name) =>
    buildOnly.includes(name),
  );
  const present = await deps.places.names();
  const missing: SecretToPut[] = [];
  for (const secret of secrets) {
    if (!(await isInPlace(deps, deployment, secret, present))) missing.push(secret);
  }
  if (await isNewestHead(deps.records, deployment)) {
    for (const secret of missing) await put(deps, deployment, secret);
  }
  const sealed = secrets.map(({ name }) => shortSecretName(owner, name) ?? name);
  return {
    secrets: await versions(deps, deployment, present, secrets),
    sealed: [...new Set([...sealed, ...boxes.keys()])],
    warnings: [...warnings],
  };
}

/**
 * The values of build secrets of a deployment, or with `*` of all that can be opened here, sealed for
 * whoever asks.
 *
 * @returns the text of a sealed file
 * @throws CloudError `OFC_SECRETS` if one of them is not in the repo's sealed boxes
 */
export async function openBuildSecrets(
  deps: Importing,
  ref: DeploymentRef,
  ids: readonly string[] | '*',
  recipient: string,
): Promise<string> {
  const { owner } = await deploymentOf(deps, ref);
  const files = await loadSealedFiles(deps.store, ref);
  const { boxes, secrets } = readSealed(deps.opening, owner, files, () => true);
  if (ids === '*') {
    const opened = secrets.flatMap((one) =>
      one.kind === 'gateway' ? [[one.name, one.value] as const] : [],
    );
    const all = Object.fromEntries([...boxes, ...opened]);
    return sealSecrets(parsePublicKey(recipient), all);
  }
  const values = ids.map((id) => {
    const value = boxes.get(id);
    if (value === undefined) {
      throw new CloudError('OFC_SECRETS', `The build secret "${id}" is not sealed in the repo.`);
    }
    return [id, value] as const;
  });
  return sealSecrets(parsePublicKey(recipient), Object.fromEntries(values));
}

async function deploymentOf(deps: Importing, ref: DeploymentRef): Promise<Deployment> {
  const records = await deps.records.load(ref);
  if (records !== undefined) return records.deployment;
  throw new CloudError('OFC_NOT_FOUND', `There is no deployment ${ref.id}.`);
}

/** Whether nothing is to be done. What another repo or the operator made is not touched. */
async function isInPlace(
  { secretRecords }: Importing,
  { owner, repoId }: Deployment,
  { kind, name, version }: SecretToPut,
  present: ReadonlySet<string>,
): Promise<boolean> {
  const record = await secretRecords.get(owner, name);
  if (record === undefined) {
    if (!present.has(name)) return false;
    throw new CloudError('OFC_SECRETS', `The secret "${name}" was made by the operator.`, {
      hint: 'Seal yours under another name, or ask the operator to remove it.',
    });
  }
  if (record.repoId !== repoId) {
    throw new CloudError('OFC_SECRETS', `The secret "${name}" is sealed in "${record.repo}" too.`, {
      hint: 'Remove it there, or use another name here. A function may name it in both repos.',
    });
  }
  return record.version === version && record.kind === kind && present.has(name);
}

async function put(deps: Importing, deployment: Deployment, secret: SecretToPut): Promise<void> {
  const { secretRecords, places } = deps;
  const { owner, repo, repoId, branch, id } = deployment;
  const { kind, name, version } = secret;
  const before = await secretRecords.get(owner, name);
  const record = { kind, name, repo, repoId, branch, deployment: id };
  // First who it belongs to, without a version: an interrupted put is done again.
  if (before === undefined) {
    const created = await secretRecords.create(owner, { ...record, version: '' });
    if (!created) throw new CloudError('OFC_CONFLICT', `Another push seals "${name}" just now.`);
  } else if (before.kind !== kind) {
    await places.remove(owner, before);
  }
  await places.put(owner, secret);
  await secretRecords.replace(owner, { ...record, version });
}

/** All secrets of an owner by the name that the owner uses, with the version of those that are sealed. */
async function versions(
  { secretRecords }: Importing,
  { owner }: Deployment,
  present: ReadonlySet<string>,
  own: readonly SecretToPut[],
): Promise<Record<string, string | null>> {
  const known = new Map<string, string | null>([...present].map((name) => [name, null]));
  for (const { name, version } of await secretRecords.list(owner)) {
    if (known.has(name)) known.set(name, version);
  }
  for (const { name, version } of own) known.set(name, version);
  const named = [...known].flatMap(([name, version]) => {
    const short = shortSecretName(owner, name);
    return short === undefined ? [] : [[short, version] as const];
  });
  return Object.fromEntries(named.sort(([a], [b]) => (a < b ? -1 : 1)));
}
