import { randomBytes } from 'node:crypto';
import { parseOwner } from '#shared/names.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import { ownerKeys, parsePrivateKey } from '#shared/sealed-box.ts';
import { type SealedFile, storeSealedFiles } from '#shared/sealed-secrets/sealed-files.ts';
import { type Importing, importSecrets } from '../../../functions/import-secrets/import-secrets.ts';
import { pruneSecrets } from '../../../functions/import-secrets/prune.ts';
import {
  type Controller,
  createSecretPlaces,
} from '../../../functions/import-secrets/secret-places.ts';
import { createSecretRecords } from '../../../functions/import-secrets/secret-records.ts';
import { createMemoryGateway } from '../../helpers/memory-gateway.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';
import { sealWithSodium } from '../../helpers/seal-with-sodium.ts';

type Changes = Parameters<typeof testPush>[0];

/** What import-secrets works with, in memory, and pushes to it. */
export function createStage(controller?: Controller) {
  const store = createMemoryObjectStore();
  const records = createRecords(store);
  const gateway = createMemoryGateway();
  const keys = parsePrivateKey(randomBytes(32).toString('base64'));
  const importing: Importing = {
    records,
    store,
    secretRecords: createSecretRecords(store),
    places: createSecretPlaces(gateway, controller),
    opening: {
      keys: [keys],
      namespace: 'openfaas-fn',
      hasController: controller !== undefined,
      controllerKeys: [],
    },
  };
  let time = 1_700_000_000_000;

  /** A push that is recorded, with its sealed files. */
  const push = async (files: readonly SealedFile[], changes: Changes = {}): Promise<Deployment> => {
    time += 1000;
    const { defaultBranch: _, ...deployment } = testPush({ receivedAt: time, ...changes });
    await records.begin(deployment);
    await records.addHead(deployment);
    if (files.length > 0) await storeSealedFiles(store, deployment, files);
    return deployment;
  };
  const plan = (deployment: Deployment, secrets: string[]) =>
    records.recordPlan(deployment, {
      outcome: 'planned',
      functions: [],
      warnings: [],
      secrets,
      at: 1,
    });

  return {
    store,
    records,
    gateway,
    keys,
    importing,
    push,
    /** The values of the gateway's secrets, as texts. */
    values: () =>
      Object.fromEntries([...gateway.secrets].map(([name, value]) => [name, String(value)])),
    /** A file of `owner`, sealed by libsodium. */
    box: (values: Readonly<Record<string, string>>, owner = 'alice'): SealedFile => ({
      name: 'com.openfaas.secrets',
      text: sealWithSodium(
        ownerKeys(keys, parseOwner(owner)).publicKey,
        Object.fromEntries(Object.entries(values).map(([name, text]) => [name, Buffer.from(text)])),
      ),
    }),
    /** Pushes, imports and plans, as git-tar does. */
    async run(files: readonly SealedFile[], changes: Changes = {}, buildOnly: string[] = []) {
      const deployment = await push(files, changes);
      const imported = await importSecrets(importing, deployment, buildOnly);
      await plan(deployment, imported.sealed);
      return { deployment, imported };
    },
    /** What garbage-collect asks for at the end of a deployment. */
    prune: ({ owner, repo, branch, id }: Deployment) =>
      pruneSecrets(importing, { owner, repo, functions: [], of: { branch, id } }),
  };
}

export type Stage = ReturnType<typeof createStage>;
