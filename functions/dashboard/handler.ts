import { join } from 'node:path';
import { Agent } from 'undici';
import { createApiTokens } from '#shared/auth/api-tokens.ts';
import { createPeople } from '#shared/auth/people.ts';
import { loadConfig, type Settings } from '#shared/config.ts';
import { createGatewayClient } from '#shared/gateway/gateway-client.ts';
import { createAllowedAddresses } from '#shared/notifications/allowed-addresses.ts';
import { createDestinations } from '#shared/notifications/destinations.ts';
import { createNotices } from '#shared/notifications/notices.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { observed } from '#shared/observe/observed.ts';
import { once } from '#shared/once.ts';
import { createMessages } from '#shared/pipeline/messages.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import {
  gatewaySettings,
  signerSettings,
  storeSettings,
  vaultSettings,
} from '#shared/platform-settings.ts';
import { publicUrlSettings } from '#shared/public-urls.ts';
import { parseSite } from '#shared/router/site.ts';
import { watchOf } from './api/events-api.ts';
import { createDashboard } from './dashboard.ts';
import { createDeploymentReader } from './deployment-reader.ts';
import { createRowReader } from './deployment-rows.ts';
import { installationSettings } from './installations.ts';
import { readPageFiles } from './page-files.ts';

const step = observed('dashboard', { begins: true });
const loaded = once(() => createDashboard(loadConfig(load)));

/** Reads the configuration and the page's files; a mistake stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/** The web page for developers, and the API behind it. */
export const raw = step.raw((request, response, context) => loaded()(request, response, context));

/** What it counts of its own step. */
export const metrics = () => step.metrics.render();
/** Sends on the spans that wait. */
export const { close } = step;

function load(settings: Settings) {
  const gateway = gatewaySettings(settings, { admin: false });
  const store = createS3ObjectStore(storeSettings(settings));
  const signer = signerSettings(settings);
  const client = createGatewayClient(gateway);
  const records = createRecords(store);
  const messages = createMessages(client, signer, gateway.url);
  const claim = {
    leaseMs: settings.duration('step_lease', '15m'),
    maxAttempts: settings.integer('step_attempts', 3, { min: 1, max: 20 }),
  };
  const watched = { signer, gateway: client, store, records };
  return {
    signer,
    gateway: client,
    gatewayUrl: gateway.url,
    dispatcher: new Agent({ connect: { timeout: 10_000 } }),
    store,
    records,
    watch: watchOf(watched),
    readDeployment: createDeploymentReader(store),
    readRow: createRowReader(records),
    tokens: createApiTokens(store, createPeople(store)),
    acting: { records, messages, claim, now: Date.now },
    urls: publicUrlSettings(settings),
    site: settings.parsed('gateway_pretty_url', parseSite),
    scms: installationSettings(settings),
    notifications: {
      destinations: createDestinations(store, vaultSettings(settings)),
      notices: createNotices(store),
      allowed: createAllowedAddresses(settings.list('notification_allow')),
    },
    ...readPageFiles(join(import.meta.dirname, 'static')),
  };
}
