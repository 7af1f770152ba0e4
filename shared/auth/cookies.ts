import type { Site } from '../router/site.ts';

/** The platform's cookies, each also with the prefix `__Host-`. */
const names = {
  /** The session, on the system host. */
  session: 'openfaas_cloud_token',
  /** Binds a login to the browser that began it. */
  login: 'ofc_login',
  /** The session, on a host of an owner. */
  tenant: 'ofc_session',
  /** Binds a sign-in for a host of an owner to the browser that began it. */
  handOver: 'ofc_handover',
} as const;

const platformCookies: ReadonlySet<string> = new Set(
  Object.values(names).flatMap((name) => [name, `__host-${name}`]),
);

/** The names of the platform's cookies on a site. */
export function cookieNames(
  site: Pick<Site, 'scheme'>,
): Readonly<Record<keyof typeof names, string>> {
  const { session, login, tenant, handOver } = names;
  return {
    session: named(site, session),
    login: named(site, login),
    tenant: named(site, tenant),
    handOver: named(site, handOver),
  };
}

/** The cookie that holds the session token on the system host. */
export function sessionCookieName(site: Pick<Site, 'scheme'>): string {
  return named(site, names.session);
}

/** The cookie that holds the session token on a host of an owner. */
export function tenantCookieName(site: Pick<Site, 'scheme'>): string {
  return named(site, names.tenant);
}

/** Browsers keep `__Host-` cookies only if they are Secure, so not over plain HTTP (RFC 6265bis). */
function named(site: Pick<Site, 'scheme'>, name: string): string {
  return site.scheme === 'https' ? `__Host-${name}` : name;
}

/** A `Set-Cookie` value: HttpOnly, SameSite=Lax, for the host that sets it only. Age 0 removes it. */
export function serializeCookie(
  site: Pick<Site, 'scheme'>,
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
  if (!/openfaas_cloud_token|ofc_(?:login|session|handover)/i.test(header)) return header;
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
