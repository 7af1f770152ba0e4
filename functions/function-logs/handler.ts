import { loadConfig, type Settings } from '#shared/config.ts';
import { createGatewayClient } from '#shared/gateway/gateway-client.ts';
import { observed } from '#shared/observe/observed.ts';
import { once } from '#shared/once.ts';
import { gatewaySettings, signerSettings } from '#shared/platform-settings.ts';
import { createSecretsClient } from '#shared/sealed-secrets/secrets-messages.ts';
import { createSealedValues } from './sealed-values.ts';
import { type ServingFunctionLogs, serveFunctionLog } from './serve-function-log.ts';

const step = observed('function-logs');
const loaded = once(() => loadConfig(load));

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/** Gives the log of a function to whoever may see it. */
export const raw = step.raw((request, response, { signal }) =>
  serveFunctionLog(loaded(), request, response, signal),
);

/** What it counts of its own step. */
export const metrics = () => step.metrics.render();
/** Sends on the spans that wait. */
export const { close } = step;

function load(settings: Settings): ServingFunctionLogs {
  const gateway = gatewaySettings(settings, { admin: true });
  const signer = signerSettings(settings);
  const client = createGatewayClient(gateway);
  return {
    signer,
    gateway,
    client,
    sealedValues: createSealedValues(createSecretsClient(client, signer)),
    maxFollowMs: settings.duration('log_follow_limit', '15m'),
    now: Date.now,
  };
}
