const minute = 60_000;
const hour = 60 * minute;

/**
 * How long to wait after each try that failed, as Standard Webhooks recommends; after the last one
 * nothing follows. The sweeper looks once a minute, so nothing is shorter.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export const retryDelayMs: readonly number[] = [
  minute,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
];
