import type { Site } from '../router/site.ts';

/** Names of the platform's own cookies, with and without the `__Host-` prefix; lower case. */
const platformCookies: ReadonlySet<string> = new Set([
  'openfaas_cloud_token',
  '__host-openfaas_cloud_token',
  'ofc_login',
  '__host-ofc_login',
]);

/** The cookie that holds the session token. */
export function sessionCookieName(site: Site): string {
  return named(site, 'openfaas_cloud_token');
}

/** The short-lived cookie that binds a login to the browser that began it. */
export function loginCookieName(site: Site): string {
  return named(site, 'ofc_login');
}

/** Browsers keep `__Host-` cookies only if they are Secure, so not over plain HTTP (RFC 6265bis). */
function named(site: Site, name: string): string {
  return site.scheme === 'https' ? `__Host-${name}` : name;
}

/** A `Set-Cookie` value: HttpOnly, SameSite=Lax, for the system host only. Age 0 removes it. */
export function serializeCookie(
  site: Site,
  name: string,
  value: string,
  maxAgeSeconds: number,
): string {
  const secure = site.scheme === 'https' ? '; Secure' : '';
  return `${name}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${secure}`;
}

/**
 * The value of one cookie of a `Cookie` header. `undefined` also if it is there twice: then somebody
 * else set one, and it cannot be told which is ours.
 */
export function readCookie(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined;
  const values = header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 ? values[0] : undefined;
}

/** A `Cookie` value without the platform's cookies; the others verbatim. Empty if none is left. */
export function stripPlatformCookies(header: string): string {
  if (!/openfaas_cloud_token|ofc_login/i.test(header)) return header;
  return header
    .split(';')
    .filter((pair) => !isPlatformCookie(pair))
    .join(';')
    .trim();
}

/** Whether a `Set-Cookie` value, or one pair of a `Cookie` value, is one of the platform's. */
export function isPlatformCookie(cookie: string): boolean {
  // A cookie without a name is sent as its bare value: "=a=b" comes back as "a=b".
  const name = /^[\s=]*([^=;]*)/.exec(cookie)?.[1] ?? '';
  return platformCookies.has(name.trim().toLowerCase());
}
