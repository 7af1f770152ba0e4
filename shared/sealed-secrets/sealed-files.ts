import * as v from 'valibot';
import type { Owner } from '../names.ts';
import { getJson, putJson } from '../object-store/json.ts';
import { keyPart } from '../object-store/keys.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { DeploymentRef } from '../pipeline/deployment.ts';
import { deploymentPrefix } from '../pipeline/records.ts';
import { sealedFileName } from '../sealed-box.ts';
import type { SourceTree } from '../shrinkwrap/source-tree.ts';

/** Where a repo keeps what it seals: in its root folder, as SealedSecrets or as faas-cli's boxes. */
const fileNames: readonly string[] = [sealedFileName, 'secrets.yml', 'secrets.yaml'];

const sealedFileSchema = v.object({ name: v.string(), text: v.string() });
/** A file of sealed secrets, as it was pushed. */
export type SealedFile = v.InferOutput<typeof sealedFileSchema>;

/** The sealed files of a commit; none if there are none. */
export async function findSealedFiles(repo: SourceTree): Promise<SealedFile[]> {
  const root = (await repo.list('')) ?? [];
  const found = root.filter(({ path, kind }) => kind === 'file' && fileNames.includes(path));
  return Promise.all(
    found.map(async ({ path }) => ({
      name: path,
      text: (await repo.read(path)).toString('utf8'),
    })),
  );
}

/** Keeps a deployment's sealed files with its records. They are too large for a message. */
export async function storeSealedFiles(
  store: ObjectStore,
  ref: DeploymentRef,
  files: readonly SealedFile[],
): Promise<void> {
  await putJson(store, keyOf(ref), files);
}

/** What {@link storeSealedFiles} kept. */
export async function loadSealedFiles(
  store: ObjectStore,
  ref: DeploymentRef,
): Promise<SealedFile[]> {
  return (await getJson(store, keyOf(ref), v.array(sealedFileSchema))) ?? [];
}

/** The keys of the records of who put an owner's secrets in place begin with this. */
export function secretRecordPrefix(owner: Owner): string {
  return `secrets/${keyPart(owner)}/`;
}

function keyOf(ref: DeploymentRef): string {
  return `${deploymentPrefix(ref)}sealed.json`;
}
