import type { IncomingMessage } from 'node:http';
import { createLimiter } from '#shared/router/limiter.ts';
import type { Destination } from './locate.ts';

/** The annotation by which a function opens itself to asynchronous calls from outside. */
export const asyncAnnotation = 'com.openfaas.cloud.async';

/** The largest body that OpenFaaS CE's queue takes. */
const maxBodyBytes = 256_000;

/** What becomes of a request as an asynchronous call. */
export type AsyncCall =
  /** It is none: the function did not open itself, or the visitor did not ask. */
  | { readonly kind: 'none' }
  | { readonly kind: 'queue' }
  | { readonly kind: 'refused'; readonly status: 411 | 413 | 429; readonly retryAfter?: number };

/**
 * Sorts out asynchronous calls: a POST with `Prefer: respond-async` (RFC 7240 §4.1) to a function
 * whose annotation is `true`, at most `quota` a minute for each owner.
 */
export function createAsyncCalls(
  quota: number,
): (request: IncomingMessage, to: Destination) => AsyncCall {
  const limiter = createLimiter({ perSecond: quota / 60, concurrency: 0, burstSeconds: 60 });
  return ({ method, headers }, { tenant }) => {
    const open = quota > 0 && tenant?.annotations[asyncAnnotation] === 'true';
    if (!open || method !== 'POST' || !prefersAsync(headers['prefer'])) return { kind: 'none' };
    // The queue's limit is on the whole message, so its length must be known before.
    if (headers['transfer-encoding'] !== undefined) return { kind: 'refused', status: 411 };
    if (Number(headers['content-length'] ?? 0) > maxBodyBytes) {
      return { kind: 'refused', status: 413 };
    }
    const retryAfter = limiter.enter(tenant.owner);
    return retryAfter === undefined
      ? { kind: 'queue' }
      : { kind: 'refused', status: 429, retryAfter };
  };
}

function prefersAsync(prefer: string | string[] | undefined): boolean {
  return /(?:^|,)\s*respond-async\s*(?:[,;]|$)/i.test(String(prefer ?? ''));
}
