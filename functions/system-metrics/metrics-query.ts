import { parseDuration } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';
import { type Owner, parseOwner } from '#shared/names.ts';

/** What a request asks about, over which time. */
export type MetricsQuery = {
  /** In milliseconds, up to now. */
  readonly windowMs: number;
  /** Whether series over the window are wanted beside the totals. */
  readonly detail: boolean;
} & (
  | { readonly kind: 'function'; readonly service: string }
  | { readonly kind: 'owner'; readonly owner: Owner }
);

const maxWindowMs = 31 * 24 * 3_600_000;

/**
 * Reads `?function=<name>[.<namespace>]` or `?user=<owner>`, each with `metrics_window=<duration>`
 * and `detail=1`.
 *
 * @throws CloudError `OFC_BAD_REQUEST` or `OFC_NAME_INVALID`
 */
export function parseMetricsQuery(query: URLSearchParams, fallbackWindowMs: number): MetricsQuery {
  const windowMs = windowOf(query.get('metrics_window'), fallbackWindowMs);
  const detail = query.get('detail') === '1';
  const functions = query.getAll('function');
  const users = query.getAll('user');
  if (functions.length + users.length !== 1) {
    throw new CloudError('OFC_BAD_REQUEST', 'The query must name one function or one owner.', {
      hint: 'Ask with ?function=<deployed name> or ?user=<owner>.',
    });
  }
  if (users.length === 1) return { kind: 'owner', owner: parseOwner(users[0]), windowMs, detail };
  const [service = ''] = functions;
  if (!/^[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9][a-z0-9-]{0,62})?$/.test(service)) {
    throw new CloudError('OFC_NAME_INVALID', 'The function is not named as it is deployed.');
  }
  return { kind: 'function', service, windowMs, detail };
}

function windowOf(text: string | null, fallback: number): number {
  if (text === null || text === '') return fallback;
  let windowMs = 0;
  try {
    windowMs = parseDuration(text);
  } catch {
    // Told below, as a window that is too short is.
  }
  if (windowMs < 60_000 || windowMs > maxWindowMs) {
    throw new CloudError(
      'OFC_BAD_REQUEST',
      'metrics_window must be a duration from 1m to 744h, such as 60m.',
    );
  }
  return windowMs;
}
