import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import type { GatewaySecrets } from '#shared/gateway/gateway-client.ts';
import type { KubernetesClient } from '#shared/kubernetes/kubernetes-client.ts';
import { labelValue, type Owner, type SecretName } from '#shared/names.ts';
import { cloudLabel } from '#shared/pipeline/labels.ts';
import { sealedSecretApi } from '#shared/sealed-secrets/sealed-secret.ts';
import type { SecretToPut } from './read-sealed.ts';

/** Where secrets lie in the cluster. */
export interface SecretPlaces {
  /** The names of all secrets that functions can be given, whoever made them. */
  names(): Promise<ReadonlySet<string>>;
  /** Creates or changes the secret. Errors of the controller are `OFC_SECRETS` with its reason. */
  put(owner: Owner, secret: SecretToPut): Promise<void>;
  remove(owner: Owner, secret: Pick<SecretToPut, 'kind' | 'name'>): Promise<void>;
}

/** The SealedSecrets of one namespace. */
export interface Controller {
  readonly client: KubernetesClient;
  readonly namespace: string;
  /** How long the controller may take to open one. */
  readonly timeoutMs: number;
}

/** OpenFaaS lists only secrets that carry it. */
const managedBy = { 'app.kubernetes.io/managed-by': 'openfaas' };

const sealedSecretSchema = v.object({
  metadata: v.object({
    uid: v.optional(v.string(), ''),
    generation: v.optional(v.number(), 0),
    labels: v.optional(v.record(v.string(), v.string()), {}),
  }),
  status: v.optional(
    v.object({
      observedGeneration: v.optional(v.number()),
      conditions: v.optional(
        v.array(
          v.object({ type: v.string(), status: v.string(), message: v.optional(v.string(), '') }),
        ),
        [],
      ),
    }),
  ),
});
type SealedSecretObject = v.InferOutput<typeof sealedSecretSchema>;

/** Makes {@link SecretPlaces}. */
export function createSecretPlaces(
  gateway: GatewaySecrets,
  controller: Controller | undefined,
): SecretPlaces {
  const needed = (): Controller => {
    if (controller !== undefined) return controller;
    throw new CloudError('OFC_CONFIG', 'There are SealedSecrets, and no Kubernetes API to tell.');
  };
  return {
    names: async () => new Set(await gateway.listSecrets()),
    async put(owner, secret) {
      if (secret.kind === 'gateway') await gateway.putSecret(secret.name, secret.value);
      else await applySealedSecret(needed(), owner, secret);
    },
    async remove(owner, { kind, name }) {
      if (kind === 'gateway') return gateway.removeSecret(name);
      const { client, namespace } = needed();
      const path = pathOf(namespace, name);
      const found = parse(await client.get(path));
      if (found !== undefined && isOf(found, owner)) await client.delete(path, found.metadata.uid);
    },
  };
}

async function applySealedSecret(
  controller: Controller,
  owner: Owner,
  { name, encryptedData }: Extract<SecretToPut, { kind: 'sealed-secret' }>,
): Promise<void> {
  const { client, namespace } = controller;
  const path = pathOf(namespace, name);
  const before = parse(await client.get(path));
  if (before !== undefined && !isOf(before, owner)) {
    throw new CloudError('OFC_SECRETS', `The SealedSecret "${name}" was made by somebody else.`, {
      hint: 'The operator can remove it; then push again.',
    });
  }
  const applied = parse(
    await client.apply(path, {
      ...sealedSecretApi,
      metadata: { name, namespace, labels: { ...managedBy, ...ownerLabel(owner) } },
      spec: {
        encryptedData,
        template: { type: 'Opaque', metadata: { labels: { ...managedBy, ...ownerLabel(owner) } } },
      },
    }),
  );
  await untilOpened(controller, path, name, applied?.metadata.generation ?? 0);
}

/** The build takes longer than the controller, but what it cannot open should fail here and now. */
async function untilOpened(
  { client, timeoutMs }: Controller,
  path: string,
  name: string,
  generation: number,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (let waitMs = 50; ; waitMs = Math.min(waitMs * 1.5, 1000)) {
    const status = parse(await client.get(path))?.status;
    const synced = status?.conditions.find(({ type }) => type === 'Synced');
    const isCurrent = (status?.observedGeneration ?? generation) >= generation;
    if (isCurrent && synced?.status === 'True') return;
    if (isCurrent && synced?.status === 'False') {
      throw new CloudError(
        'OFC_SECRETS',
        `The controller cannot open the SealedSecret "${name}": ${synced.message}`,
        { hint: 'Seal it again with the certificate that the controller has now.' },
      );
    }
    if (Date.now() > deadline) {
      throw new CloudError('OFC_UPSTREAM', 'The SealedSecrets controller does not answer.');
    }
    await delay(waitMs);
  }
}

function ownerLabel(owner: Owner): Record<string, string> {
  return { [cloudLabel.owner]: labelValue(owner) };
}

function isOf({ metadata }: SealedSecretObject, owner: Owner): boolean {
  return metadata.labels[cloudLabel.owner] === labelValue(owner);
}

function pathOf(namespace: string, name: SecretName): string {
  return `/apis/${sealedSecretApi.apiVersion}/namespaces/${namespace}/sealedsecrets/${name}`;
}

function parse(object: unknown): SealedSecretObject | undefined {
  if (object === undefined) return undefined;
  const parsed = v.safeParse(sealedSecretSchema, object);
  if (parsed.success) return parsed.output;
  throw new CloudError('OFC_UPSTREAM', 'Kubernetes gave an answer that cannot be read.');
}
