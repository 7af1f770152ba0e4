import { isPlatformCookie } from '../auth/cookies.ts';
import { byName } from './by-name.ts';
import { hopByHop, namedInConnection } from './hop-by-hop.ts';

const internal = /^(?:x-cloud-.*|x-start-time|x-served-by|x-openfaas-internal)$/;

const nameOf = byName((name) => {
  const lower = name.toLowerCase();
  return { lower, isDropped: hopByHop.has(lower) || internal.test(lower) };
});

/**
 * The header list for the visitor: the function's own, in order and with duplicates, without
 * hop-by-hop fields and internals. A function cannot set the platform's cookies.
 *
 * @param raw Names and values in turn.
 * @param keepCookies `true` if the answer is of-auth's.
 */
export function responseHeaders(raw: readonly string[], keepCookies: boolean): string[] {
  const named = namedInConnection(raw);
  const headers: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name = '', value = ''] = [raw[i], raw[i + 1]];
    const { lower, isDropped } = nameOf(name);
    if (isDropped || named?.has(lower)) continue;
    if (lower === 'set-cookie' && !keepCookies && isPlatformCookie(value)) continue;
    headers.push(name, value);
  }
  return headers;
}
