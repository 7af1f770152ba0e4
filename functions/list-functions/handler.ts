import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { loadConfig, type Settings } from '#shared/config.ts';
import { createGatewayClient } from '#shared/gateway/gateway-client.ts';
import { observed } from '#shared/observe/observed.ts';
import { once } from '#shared/once.ts';
import { gatewaySettings, signerSettings } from '#shared/platform-settings.ts';
import { answerList, type Listing } from './answer-list.ts';

const step = observed('list-functions');
const loaded = once(() => loadConfig(load));

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/** Lists the functions of one owner. */
export default step.classic(async (event: FunctionEvent, context: FunctionContext) => {
  const functions = await answerList(loaded(), event);
  return context.status(200).headers({ 'cache-control': 'no-store' }).succeed(functions);
});

/** What it counts of its own step. */
export const metrics = () => step.metrics.render();
/** Sends on the spans that wait. */
export const { close } = step;

function load(settings: Settings): Listing {
  return {
    signer: signerSettings(settings),
    gateway: createGatewayClient(gatewaySettings(settings, { admin: true })),
  };
}
