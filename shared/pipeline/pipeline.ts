import type { Settings } from '../config.ts';
import { createGatewayClient, type GatewayClient } from '../gateway/gateway-client.ts';
import type { Signer } from '../messages/signature.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { createS3ObjectStore } from '../object-store/s3-object-store.ts';
import { gatewaySettings, signerSettings, storeSettings } from '../platform-settings.ts';
import { createMessages, type Messages } from './messages.ts';
import { createRecords, type Records } from './records.ts';

/** What every step of the pipeline works with. */
export interface Pipeline {
  readonly signer: Signer;
  readonly gateway: GatewayClient;
  readonly store: ObjectStore;
  readonly records: Records;
  readonly messages: Messages;
}

/**
 * Reads the settings that all steps share, and connects.
 *
 * @param admin Whether this step needs the gateway's `/system` routes.
 */
export function loadPipeline(settings: Settings, { admin }: { admin: boolean }): Pipeline {
  const gatewayConfig = gatewaySettings(settings, { admin });
  const gateway = createGatewayClient(gatewayConfig);
  const signer = signerSettings(settings);
  const store = createS3ObjectStore(storeSettings(settings));
  return {
    signer,
    gateway,
    store,
    records: createRecords(store),
    messages: createMessages(gateway, signer, gatewayConfig.url),
  };
}
