import { maxTokenLifetimeSeconds } from '#shared/auth/token.ts';
import { parseDuration, type Settings } from '#shared/config.ts';
import type { Signer } from '#shared/messages/signature.ts';
import { signerSettings } from '#shared/platform-settings.ts';
import { parseSite, type Site } from '#shared/router/site.ts';

/** of-auth's configuration, without the customers list. */
export interface AuthConfig {
  readonly site: Site;
  readonly signer: Signer;
  /** PEM texts; see `createTokenKeys`. */
  readonly keys: {
    readonly privateKey: string;
    readonly publicKey: string;
    readonly previousPublicKey: string | undefined;
  };
  readonly oauth: {
    readonly provider: 'github';
    readonly baseUrl: string;
    readonly apiUrl: string;
    readonly clientId: string;
    readonly clientSecret: string;
  };
  readonly sessionSeconds: number;
  /** Lines of plain text for the home page: what runs here, with which isolation. */
  readonly notes: readonly string[];
}

/** Reads of-auth's variables and secrets; for `loadConfig`. */
export function readConfig(settings: Settings): AuthConfig {
  return {
    site: settings.parsed('gateway_pretty_url', parseSite),
    signer: signerSettings(settings),
    keys: {
      privateKey: settings.secret('jwt-private-key'),
      publicKey: settings.secret('jwt-public-key'),
      previousPublicKey: settings.optionalSecret('jwt-public-key-previous'),
    },
    oauth: {
      provider: settings.parsed('oauth_provider', parseProvider, 'github'),
      baseUrl: settings.url('oauth_provider_base_url', 'https://github.com'),
      apiUrl: settings.url('oauth_provider_api_url', 'https://api.github.com'),
      clientId: settings.text('client_id'),
      clientSecret: settings.secret('of-client-secret'),
    },
    sessionSeconds: settings.parsed('session_lifetime', parseLifetime, '12h'),
    notes: settings
      .text('platform_notes', '')
      .split('\n')
      .filter((line) => line.trim() !== ''),
  };
}

function parseProvider(name: string): 'github' {
  if (name.toLowerCase() === 'github') return 'github';
  throw new Error(`oauth_provider is "${name}", not "github".`);
}

function parseLifetime(text: string): number {
  const seconds = parseDuration(text, 'session_lifetime') / 1000;
  if (seconds < 60 || seconds > maxTokenLifetimeSeconds) {
    throw new Error(`session_lifetime is "${text}", not between a minute and 31 days.`);
  }
  return Math.floor(seconds);
}
