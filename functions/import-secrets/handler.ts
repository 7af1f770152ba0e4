import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { loadConfig, type Settings } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';
import { createGatewayClient } from '#shared/gateway/gateway-client.ts';
import { createKubernetesClient } from '#shared/kubernetes/kubernetes-client.ts';
import { receiveMessage } from '#shared/messages/receive.ts';
import type { Signer } from '#shared/messages/signature.ts';
import { parseOwner } from '#shared/names.ts';
import { observed } from '#shared/observe/observed.ts';
import { once } from '#shared/once.ts';
import { loadPipeline } from '#shared/pipeline/pipeline.ts';
import { gatewaySettings } from '#shared/platform-settings.ts';
import { encodeKey, ownerKeys, parsePrivateKey } from '#shared/sealed-box.ts';
import { parseControllerKeys } from '#shared/sealed-secrets/open-sealed-secret.ts';
import {
  maxSecretsMessageBytes,
  secretsMessageSchema,
} from '#shared/sealed-secrets/secrets-messages.ts';
import { type Importing, importSecrets, openBuildSecrets } from './import-secrets.ts';
import { pruneSecrets } from './prune.ts';
import type { Opening } from './read-sealed.ts';
import { type Controller, createSecretPlaces } from './secret-places.ts';
import { createSecretRecords } from './secret-records.ts';

const step = observed('import-secrets');
const loaded = once(() => loadConfig(load));

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/**
 * Puts sealed secrets of a push in place, opens those for its build, and removes what is not sealed any
 * more: signed messages. `GET /?owner=…` gives everybody the public key to seal with.
 */
export default step.classic(async (event: FunctionEvent, context: FunctionContext) => {
  const { signer, importing } = loaded();
  if (event.method === 'GET' || event.method === 'HEAD') {
    const owner = parseOwner(event.query['owner']);
    const [current] = importing.opening.keys;
    if (current === undefined) throw new CloudError('OFC_INTERNAL', 'There is no key.');
    const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' };
    return context.headers(headers).succeed(encodeKey(ownerKeys(current, owner).publicKey));
  }
  if (event.method !== 'POST') throw new CloudError('OFC_METHOD', 'Use GET or POST.');
  const message = receiveMessage(
    signer,
    'import-secrets',
    event,
    secretsMessageSchema,
    maxSecretsMessageBytes,
  );
  if (message.do === 'import') return importSecrets(importing, message, message.buildOnly);
  if (message.do === 'open') {
    return openBuildSecrets(importing, message, message.ids, message.recipient);
  }
  const removed = await pruneSecrets(importing, message.message);
  if (removed.length > 0) context.log.info('Secrets were removed.', { count: removed.length });
  return { removed };
});

/** What it counts of its own step. */
export const metrics = () => step.metrics.render();
/** Sends on the spans that wait. */
export const { close } = step;

function load(settings: Settings): { signer: Signer; importing: Importing } {
  const { signer, records, store } = loadPipeline(settings, { admin: true });
  const gateway = createGatewayClient(gatewaySettings(settings, { admin: true }));
  const namespace = settings.text('function_namespace', 'openfaas-fn');
  const controller = controllerSettings(settings, namespace);
  const previous = settings.optionalSecret('sealing-private-key-previous');
  const controllerKeys = settings.optionalSecret('sealed-secrets-key');
  const opening: Opening = {
    keys: [
      settings.secret('sealing-private-key'),
      ...(previous === undefined ? [] : [previous]),
    ].map(parsePrivateKey),
    namespace,
    hasController: controller !== undefined,
    controllerKeys: controllerKeys === undefined ? [] : parseControllerKeys(controllerKeys),
  };
  const secretRecords = createSecretRecords(store);
  const places = createSecretPlaces(gateway, controller);
  return { signer, importing: { records, store, secretRecords, places, opening } };
}

function controllerSettings(settings: Settings, namespace: string): Controller | undefined {
  const url = settings.url('kubernetes_url', 'https://kubernetes.default.svc');
  const accountFolder = settings.text(
    'kubernetes_account_path',
    '/var/run/secrets/kubernetes.io/serviceaccount',
  );
  const timeoutMs = settings.duration('unseal_timeout', '20s');
  if (!settings.flag('sealed_secrets_controller', false)) return undefined;
  return { client: createKubernetesClient({ url, accountFolder }), namespace, timeoutMs };
}
