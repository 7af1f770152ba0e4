import { request } from 'undici';
import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import { createGatewayClient, type GatewayConfig } from '../gateway/gateway-client.ts';
import { httpGet } from './http-get.ts';

const deadLetterSchema = v.object({
  id: v.string(),
  function: v.string(),
  attempts: v.number(),
  reason: v.string(),
  failedAt: v.string(),
});

/** What a gateway tells of its queue; OpenFaaS's own has no such routes. */
export const platformStateSchema = v.object({
  /** `null` if the gateway does not tell. */
  queue: v.nullable(
    v.object({
      depth: v.number(),
      running: v.number(),
      dead: v.number(),
      /** How long the oldest message has waited; `null` if none waits. */
      oldestMs: v.nullable(v.number()),
    }),
  ),
  deadLetters: v.array(deadLetterSchema),
  gateway: v.nullable(v.string()),
  /** The platform's own functions. */
  functions: v.array(
    v.object({
      name: v.string(),
      image: v.string(),
      replicas: v.number(),
      availableReplicas: v.number(),
    }),
  ),
  provider: v.nullable(v.string()),
});
/** See {@link platformStateSchema}. */
export type PlatformState = v.InferOutput<typeof platformStateSchema>;

const versionSchema = v.optional(v.nullable(v.object({ release: v.optional(v.string()) })));
const infoSchema = v.object({
  version: versionSchema,
  provider: v.nullish(v.object({ provider: v.optional(v.string(), ''), version: versionSchema })),
});

/**
 * Asks the gateway for its queue and its versions.
 *
 * @throws CloudError if it cannot be reached; what it does not know is `null`.
 */
export async function platformState(
  config: GatewayConfig,
  signal: AbortSignal,
): Promise<PlatformState> {
  const read = async <S extends v.GenericSchema>(path: string, schema: S) => {
    const headers = authorization(config);
    const { status, body } = await httpGet(`${config.url}${path}`, { signal, headers });
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), body);
    return status === 200 && parsed.success ? parsed.output : undefined;
  };
  const [listed, queue, letters, info] = await Promise.all([
    createGatewayClient(config).list(),
    read('/system/queue', platformStateSchema.entries.queue),
    read('/system/dead-letters', v.array(deadLetterSchema)),
    read('/system/info', infoSchema),
  ]);
  const provider = info?.provider;
  return {
    queue: queue ?? null,
    deadLetters: (letters ?? []).slice(-100).reverse(),
    functions: listed
      .filter(({ labels }) => labels?.['role'] === 'openfaas-system')
      .map(({ name, image, replicas, availableReplicas }) => ({
        name,
        image,
        replicas,
        availableReplicas,
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    gateway: info?.version?.release ?? null,
    provider: provider ? `${provider.provider} ${provider.version?.release ?? ''}`.trim() : null,
  };
}

/** The header that opens the gateway's `/system` routes. */
function authorization({ credentials }: GatewayConfig): Record<string, string> {
  if (credentials === undefined) return {};
  const { user, password } = credentials;
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

/**
 * Has the gateway deliver a dead letter again, or drop it.
 *
 * @throws CloudError `OFC_NOT_FOUND`, `OFC_UPSTREAM`
 */
export async function moveDeadLetter(
  config: GatewayConfig,
  letter: { readonly redrive: string } | { readonly discard: string },
): Promise<void> {
  const [what, id] =
    'redrive' in letter ? ['redrive', letter.redrive] : ['discard', letter.discard];
  const { statusCode, body } = await request(
    `${config.url}/system/dead-letters/${encodeURIComponent(id)}/${what}`,
    { method: 'POST', headers: authorization(config), signal: AbortSignal.timeout(20_000) },
  );
  await body.dump();
  if (statusCode === 404) throw new CloudError('OFC_NOT_FOUND', 'There is no such dead letter.');
  if (statusCode >= 300) {
    throw new CloudError('OFC_UPSTREAM', `The gateway answered ${statusCode} to a ${what}.`);
  }
}
