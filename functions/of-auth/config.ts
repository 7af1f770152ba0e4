import type { OAuthProvider } from '#shared/auth/oauth-provider.ts';
import { maxTokenLifetimeSeconds } from '#shared/auth/token.ts';
import { parseDuration, type Settings } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';
import type { Signer } from '#shared/messages/signature.ts';
import { parseEntry } from '#shared/person-list.ts';
import { signerSettings } from '#shared/platform-settings.ts';
import { parseSite, type Site } from '#shared/router/site.ts';
import { readProviders } from './providers.ts';

/** of-auth's configuration, without the customers list and the store. */
export interface AuthConfig {
  readonly site: Site;
  readonly signer: Signer;
  /** PEM texts; see `createTokenKeys`. */
  readonly keys: {
    readonly privateKey: string;
    readonly publicKey: string;
    readonly previousPublicKey: string | undefined;
  };
  /** At least one; the page for signing in offers them in this order. */
  readonly providers: readonly OAuthProvider[];
  /** Entries as of the customers list. */
  readonly operators: readonly string[];
  readonly idleSeconds: number;
  readonly lifetimeSeconds: number;
  /** Logins a minute, of one address and of all. */
  readonly loginRate: number;
  readonly loginRateTotal: number;
  /** Lines of plain text for the home page: what runs here, with which isolation. */
  readonly notes: readonly string[];
}

/** Reads of-auth's variables and secrets; for `loadConfig`. */
export function readConfig(settings: Settings): AuthConfig {
  const providers = readProviders(settings);
  const operators = settings.parsed('operators', parseOperators, '');
  const bare = operators.find((entry) => !entry.includes(':'));
  if (providers.length > 1 && bare !== undefined) {
    throw new CloudError(
      'OFC_CONFIG',
      `operators names "${bare}" without a provider, and people sign in at more than one.`,
      { hint: `Write "${providers[0]?.name}:${bare}", or an id: entry.` },
    );
  }
  const lifetimeSeconds = settings.parsed('session_lifetime', parseLifetime, '12h');
  const idleSeconds = settings.parsed('session_idle', parseIdle, '2h');
  return {
    site: settings.parsed('gateway_pretty_url', parseSite),
    signer: signerSettings(settings),
    keys: {
      privateKey: settings.secret('jwt-private-key'),
      publicKey: settings.secret('jwt-public-key'),
      previousPublicKey: settings.optionalSecret('jwt-public-key-previous'),
    },
    providers,
    operators,
    idleSeconds: Math.min(idleSeconds, lifetimeSeconds),
    lifetimeSeconds,
    loginRate: settings.integer('login_rate', 60, { min: 1 }),
    loginRateTotal: settings.integer('login_rate_total', 1200, { min: 1 }),
    notes: settings
      .text('platform_notes', '')
      .split('\n')
      .filter((line) => line.trim() !== ''),
  };
}

function parseOperators(text: string): string[] {
  return text
    .split(',')
    .filter((entry) => entry.trim() !== '')
    .map((entry) => {
      try {
        return parseEntry(entry);
      } catch (error) {
        throw new Error(`operators: "${entry.trim()}" ${String((error as Error).message)}.`);
      }
    });
}

const parseLifetime = (text: string): number => parseTime('session_lifetime', text);
const parseIdle = (text: string): number => parseTime('session_idle', text);

function parseTime(name: string, text: string): number {
  const seconds = parseDuration(text, name) / 1000;
  if (seconds < 60 || seconds > maxTokenLifetimeSeconds) {
    throw new Error(`${name} is "${text}", not between a minute and 31 days.`);
  }
  return Math.floor(seconds);
}
