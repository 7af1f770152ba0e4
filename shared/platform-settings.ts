import type { Settings } from './config.ts';
import type { GatewayConfig } from './gateway/gateway-client.ts';
import { createSigner, type Signer } from './messages/signature.ts';
import type { S3Config } from './object-store/s3-object-store.ts';
import { createVault, type Vault } from './vault.ts';

/** Where the gateway is. Basic auth is on unless `basic_auth` says false, as in the original. */
export function gatewaySettings(settings: Settings, { admin }: { admin: boolean }): GatewayConfig {
  const url = settings.url('gateway_url', 'http://gateway.openfaas:8080');
  if (!admin || !settings.flag('basic_auth', true)) return { url };
  const user = settings.secret('basic-auth-user');
  return { url, credentials: { user, password: settings.secret('basic-auth-password') } };
}

/** Signs and verifies with `payload-secret`, and accepts `payload-secret-previous` in a rotation. */
export function signerSettings(settings: Settings): Signer {
  return createSigner(payloadSecrets(settings));
}

/** Seals with `payload-secret`, and opens what `payload-secret-previous` sealed in a rotation. */
export function vaultSettings(settings: Settings): Vault {
  return createVault(payloadSecrets(settings));
}

function payloadSecrets(settings: Settings) {
  return {
    current: settings.secret('payload-secret'),
    previous: settings.optionalSecret('payload-secret-previous'),
  };
}

/** The S3 store. `s3_url` is `host:port`, as in the original, or a whole URL. */
export function storeSettings(settings: Settings): S3Config {
  const address = settings.text('s3_url');
  const scheme = settings.flag('s3_tls', false) ? 'https' : 'http';
  return {
    endpoint: /^https?:\/\//.test(address) ? address : `${scheme}://${address}`,
    region: settings.text('s3_region', 'us-east-1'),
    bucket: settings.text('s3_bucket', 'pipeline'),
    accessKey: settings.secret('s3-access-key'),
    secretKey: settings.secret('s3-secret-key'),
  };
}
