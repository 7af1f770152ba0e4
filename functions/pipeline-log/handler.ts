import { loadConfig, type Settings } from '#shared/config.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { observed } from '#shared/observe/observed.ts';
import { once } from '#shared/once.ts';
import { signerSettings, storeSettings } from '#shared/platform-settings.ts';
import { type ServingLogs, serveLog } from './serve-log.ts';

const step = observed('pipeline-log');
const loaded = once(() => loadConfig(load));

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/** Keeps build logs and gives them to whoever may see them. */
export const raw = step.raw((request, response, { signal }) =>
  serveLog(loaded(), request, response, signal),
);

/** What it counts of its own step. */
export const metrics = () => step.metrics.render();
/** Sends on the spans that wait. */
export const { close } = step;

function load(settings: Settings): ServingLogs {
  return {
    signer: signerSettings(settings),
    store: createS3ObjectStore(storeSettings(settings)),
    pollMs: 250,
    firstMs: 30_000,
    maxFollowMs: 15 * 60_000,
  };
}
