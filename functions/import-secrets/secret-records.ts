import * as v from 'valibot';
import type { Owner, SecretName } from '#shared/names.ts';
import { createJson, getJson, putJson } from '#shared/object-store/json.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { deploymentSchema } from '#shared/pipeline/deployment.ts';
import { secretRecordPrefix } from '#shared/sealed-secrets/sealed-files.ts';

const recordSchema = v.object({
  name: v.custom<SecretName>((value) => typeof value === 'string'),
  /** Where it lies: in the gateway's secrets, or as a SealedSecret in Kubernetes. */
  kind: v.picklist(['gateway', 'sealed-secret']),
  /** A digest of the sealed form. */
  version: v.string(),
  /** The push that put it in place. */
  repo: deploymentSchema.entries.repo,
  repoId: deploymentSchema.entries.repoId,
  branch: deploymentSchema.entries.branch,
  deployment: deploymentSchema.entries.id,
});

/** Who put a secret of the cluster in place. What has no such record is not ours to change. */
export type SecretRecord = v.InferOutput<typeof recordSchema>;

/** The {@link SecretRecord}s of all owners. */
export interface SecretRecords {
  get(owner: Owner, name: SecretName): Promise<SecretRecord | undefined>;
  list(owner: Owner): Promise<SecretRecord[]>;
  /** False if there is one already. */
  create(owner: Owner, record: SecretRecord): Promise<boolean>;
  replace(owner: Owner, record: SecretRecord): Promise<void>;
  delete(owner: Owner, name: SecretName): Promise<void>;
}

/** Makes {@link SecretRecords}. */
export function createSecretRecords(store: ObjectStore): SecretRecords {
  const keyOf = (owner: Owner, name: SecretName) => `${secretRecordPrefix(owner)}${name}.json`;
  return {
    get: (owner, name) => getJson(store, keyOf(owner, name), recordSchema),
    async list(owner) {
      const keys = await store.list(secretRecordPrefix(owner));
      const records = await Promise.all(keys.map((key) => getJson(store, key, recordSchema)));
      return records.filter((record) => record !== undefined);
    },
    create: (owner, record) => createJson(store, keyOf(owner, record.name), record),
    replace: (owner, record) => putJson(store, keyOf(owner, record.name), record),
    delete: (owner, name) => store.delete(keyOf(owner, name)),
  };
}
