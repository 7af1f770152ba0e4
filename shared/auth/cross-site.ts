import type { IncomingHttpHeaders } from 'node:http';

/** Methods that change nothing (RFC 9110 §9.2.1). */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What a request does: `read` changes nothing. */
export function actionOf(method: string): 'read' | 'act' {
  return safeMethods.has(method) ? 'read' : 'act';
}

/**
 * Whether a request that carries a cookie may have been sent by another site's page, and so without
 * its person's will. Sibling hosts count as other sites: they are other tenants, and `SameSite` does
 * not keep them away.
 *
 * - What changes something must name our own origin, in `Origin` or `Sec-Fetch-Site`.
 * - Reading is refused to other origins too, but for a person who follows a link.
 *
 * @param ownOrigin The origin of the host that was called, as browsers write it.
 * @see https://www.w3.org/TR/fetch-metadata/
 */
export function isForeign(
  method: string,
  headers: Pick<IncomingHttpHeaders, 'origin'> & Readonly<Record<string, unknown>>,
  ownOrigin: string,
): boolean {
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  if (origin !== undefined && origin !== ownOrigin) return true;
  if (actionOf(method) === 'act') {
    if (site === undefined) return origin === undefined;
    return site !== 'same-origin' && site !== 'none';
  }
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  return headers['sec-fetch-mode'] !== 'navigate' || headers['sec-fetch-dest'] !== 'document';
}
