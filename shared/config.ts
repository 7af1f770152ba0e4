import { CloudError, errorMessage } from './errors.ts';
import { readOptionalSecret, readSecret } from './secrets.ts';

/** The environment a function was started with. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads single settings; every problem is collected, none thrown. */
export interface Settings {
  /** A text; `fallback` if unset or empty. Without a fallback the variable is mandatory. */
  text(name: string, fallback?: string): string;
  /** `true`/`1` and `false`/`0`; `fallback` if unset or empty. */
  flag(name: string, fallback: boolean): boolean;
  /** A whole number within the bounds. */
  integer(name: string, fallback: number, bounds?: { min?: number; max?: number }): number;
  /** A duration in Go's notation (`1m30s`, `250ms`) or whole seconds, in milliseconds. */
  duration(name: string, fallback: string): number;
  /** An absolute http(s) URL without credentials, without a trailing slash. */
  url(name: string, fallback?: string): string;
  /** A text as `parse` reads it; what that throws is collected too. */
  parsed<T>(name: string, parse: (text: string) => T, fallback?: string): T;
  /** A comma-separated list, trimmed, without empty items; `none` is an empty list. */
  list(name: string, fallback?: string): string[];
  secret(name: string): string;
  optionalSecret(name: string): string | undefined;
}

/**
 * Reads a function's configuration once, at its start.
 *
 * @param read Takes the settings it needs and builds the typed value.
 * @throws CloudError `OFC_CONFIG` naming every wrong or missing variable and secret at once.
 */
export function loadConfig<T>(read: (settings: Settings) => T, env: Environment = process.env): T {
  const problems: string[] = [];
  const attempt = <V>(get: () => V, instead: V): V => {
    try {
      return get();
    } catch (error) {
      problems.push(errorMessage(error));
      return instead;
    }
  };
  const value = (name: string): string | undefined => env[name]?.trim() || undefined;
  const required = (name: string, fallback: string | undefined): string => {
    const found = value(name) ?? fallback;
    if (found === undefined) throw new Error(`${name} is not set.`);
    return found;
  };
  const settings: Settings = {
    text: (name, fallback) => attempt(() => required(name, fallback), ''),
    flag: (name, fallback) => attempt(() => parseFlag(name, value(name), fallback), fallback),
    integer: (name, fallback, bounds) =>
      attempt(() => parseInteger(name, value(name) ?? String(fallback), bounds), fallback),
    duration: (name, fallback) => attempt(() => parseDuration(value(name) ?? fallback, name), 0),
    url: (name, fallback) => attempt(() => parseBaseUrl(name, required(name, fallback)), ''),
    // The value that stands for a wrong one is never seen: a problem ends loadConfig.
    parsed: <V>(name: string, parse: (text: string) => V, fallback?: string) =>
      attempt(() => parse(required(name, fallback)), undefined as V),
    list: (name, fallback = '') =>
      (value(name) ?? fallback)
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '' && item !== 'none'),
    secret: (name) => attempt(() => readSecret(name, env), ''),
    optionalSecret: (name) => attempt(() => readOptionalSecret(name, env), undefined),
  };
  const problem = (): CloudError =>
    new CloudError('OFC_CONFIG', `The configuration is wrong: ${problems.join(' ')}`, {
      hint: 'See the tables of variables and secrets in docs/configuration.md.',
    });
  let config: T;
  try {
    config = read(settings);
  } catch (error) {
    // What stands for a wrong setting can make `read` fail; then the setting is the reason.
    throw problems.length > 0 ? problem() : error;
  }
  if (problems.length > 0) throw problem();
  return config;
}

/**
 * Milliseconds of a Go duration (`time.ParseDuration`: `1h2m3.5s`, `250ms`) or of whole seconds.
 *
 * @throws Error naming `what`.
 */
export function parseDuration(text: string, what = 'duration'): number {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const unit = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text) {
    throw new Error(`${what} is "${text}", not a duration such as 30s or 1m30s.`);
  }
  return parts.reduce(
    (sum, [, count, name]) => sum + Number(count) * unit[name as keyof typeof unit],
    0,
  );
}

function parseFlag(name: string, text: string | undefined, fallback: boolean): boolean {
  if (text === undefined) return fallback;
  if (/^(?:true|1)$/i.test(text)) return true;
  if (/^(?:false|0)$/i.test(text)) return false;
  throw new Error(`${name} is "${text}", not true or false.`);
}

function parseInteger(
  name: string,
  text: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
): number {
  const number = Number(text);
  if (!/^-?\d+$/.test(text) || number < min || number > max) {
    throw new Error(`${name} is "${text}", not a whole number from ${min} to ${max}.`);
  }
  return number;
}

function parseBaseUrl(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new Error(`${name} is not an http or https URL.`);
  }
  return text.replace(/\/+$/, '');
}
