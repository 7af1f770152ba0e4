import { parseDuration } from '#shared/config.ts';

/** When a call is tried again. */
export interface RetryPolicy {
  /** All tries, the first included. */
  readonly attempts: number;
  /** HTTP statuses that are worth another try. */
  readonly codes: ReadonlySet<number>;
  readonly minWaitMs: number;
  readonly maxWaitMs: number;
}

const prefix = 'com.openfaas.retry.';
const maxAttempts = 100;

/** Used for what a function does not say itself, and for callbacks. */
export const defaultRetryPolicy: RetryPolicy = {
  attempts: 3,
  codes: new Set([429, 502, 503, 504]),
  minWaitMs: 100,
  maxWaitMs: 10_000,
};

/**
 * Reads the annotations `com.openfaas.retry.attempts`, `.codes` (comma-separated), `.min_wait` and
 * `.max_wait` (Go durations), which have these names in OpenFaaS Pro. One that cannot be read
 * counts as absent: a queue must deliver whatever an annotation says.
 *
 * @see https://docs.openfaas.com/openfaas-pro/retries/
 */
export function parseRetryPolicy(annotations: Readonly<Record<string, string>>): RetryPolicy {
  const read = <T>(name: string, parse: (text: string) => T | undefined, fallback: T): T => {
    const text = annotations[`${prefix}${name}`];
    return text === undefined ? fallback : (parse(text.trim()) ?? fallback);
  };
  return {
    attempts: read('attempts', parseAttempts, defaultRetryPolicy.attempts),
    codes: read('codes', parseCodes, defaultRetryPolicy.codes),
    minWaitMs: read('min_wait', parseWait, defaultRetryPolicy.minWaitMs),
    maxWaitMs: read('max_wait', parseWait, defaultRetryPolicy.maxWaitMs),
  };
}

/**
 * Milliseconds until the next try: doubles with each one, up to the maximum, a random half of it
 * taken off so that many calls do not come back at once. A `Retry-After` counts if it is longer,
 * but no longer than the maximum.
 */
export function retryDelay(
  policy: RetryPolicy,
  attempts: number,
  retryAfter: string | undefined,
  random: () => number = Math.random,
): number {
  const backOff = Math.min(policy.maxWaitMs, policy.minWaitMs * 2 ** (attempts - 1));
  const wanted = Math.min(policy.maxWaitMs, parseRetryAfter(retryAfter));
  return Math.max(wanted, backOff * (1 - random() / 2));
}

function parseAttempts(text: string): number | undefined {
  return /^\d{1,3}$/.test(text) ? Math.min(Math.max(Number(text), 1), maxAttempts) : undefined;
}

function parseCodes(text: string): ReadonlySet<number> | undefined {
  const codes = text.split(',').map((code) => code.trim());
  return codes.every((code) => /^[1-5]\d\d$/.test(code)) ? new Set(codes.map(Number)) : undefined;
}

function parseWait(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
function parseRetryAfter(text: string | undefined): number {
  if (text === undefined) return 0;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
