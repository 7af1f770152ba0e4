import { readApiToken } from '../auth/api-tokens.ts';
import { stripPlatformCookies } from '../auth/cookies.ts';
import { byName } from './by-name.ts';
import { hopByHop, namedInConnection } from './hop-by-hop.ts';

/**
 * What only the platform may say: never taken from a visitor. `Proxy` is dropped because CGI-like
 * runtimes turn it into `HTTP_PROXY`; the length is written anew by whoever sends the body.
 */
const internal =
  /^(?:x-cloud-.*|x-forwarded-.*|x-function-.*|x-callback-url|x-call-id|x-start-time|x-real-ip|x-openfaas-.*|forwarded|proxy|host|expect|content-length)$/;

/** The name as readers behind us see it, and whether it stays here whatever its value. */
const nameOf = byName((name) => {
  // CGI and WSGI read "_" as "-", so both spellings are one name.
  const lower = name.toLowerCase().replaceAll('_', '-');
  return { lower, isDropped: hopByHop.has(lower) || internal.test(lower) };
});

/** What the router itself says about a request. */
export interface ForwardedFacts {
  readonly callId: string;
  /** The visitor's address. */
  readonly address: string;
  /** The visitor's host, with its port. */
  readonly host: string;
  readonly scheme: 'http' | 'https';
  /** `true`: the receiver is of-auth, which reads the platform's cookies. */
  readonly keepCookies: boolean;
}

/**
 * The header list for the upstream, names and values in turn: the visitor's own, in their order and
 * with duplicates, without hop-by-hop fields (RFC 9110 §7.6.1), without anything internal and without
 * the platform's cookies, then what the router says.
 *
 * @param raw `request.rawHeaders`
 */
export function requestHeaders(raw: readonly string[], facts: ForwardedFacts): string[] {
  const named = namedInConnection(raw);
  const headers: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name = '', value = ''] = [raw[i], raw[i + 1]];
    const { lower, isDropped } = nameOf(name);
    if (isDropped || named?.has(lower)) continue;
    if (lower === 'cookie' && !facts.keepCookies) {
      const rest = stripPlatformCookies(value);
      if (rest !== '') headers.push(name, rest);
    } else if (lower !== 'authorization' || readApiToken(value) === undefined) {
      // The platform's tokens are for the platform; whoever sends one elsewhere did not mean to.
      headers.push(name, value);
    }
  }
  headers.push(
    'x-call-id',
    facts.callId,
    'x-forwarded-for',
    facts.address,
    'x-forwarded-host',
    facts.host,
    'x-forwarded-proto',
    facts.scheme,
  );
  return headers;
}
