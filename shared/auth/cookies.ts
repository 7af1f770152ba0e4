import type { Site } from '../router/site.ts';

/** The platform's cookies, each also with the prefix `__Host-`. */
const names = {
  /** The session, on the system host. */
  session: 'openfaas_cloud_token',
  /** Binds a login to the browser that began it; see {@link flowCookieName}. */
  login: 'ofc_login',
  /** The session, on a host of an owner. */
  tenant: 'ofc_session',
  /** Binds a sign-in for a host of an owner to the browser that began it; see {@link flowCookieName}. */
  handOver: 'ofc_handover',
} as const;

const platformCookies: ReadonlySet<string> = new Set(
  Object.values(names).flatMap((name) => [name, `__host-${name}`]),
);

/** The names of a site's cookies for sessions. */
export function cookieNames(
  site: Pick<Site, 'scheme'>,
): Readonly<Record<'session' | 'tenant', string>> {
  return { session: sessionCookieName(site), tenant: tenantCookieName(site) };
}

/** The cookie that holds the session token on the system host. */
export function sessionCookieName(site: Pick<Site, 'scheme'>): string {
  return named(site, names.session);
}

/** The cookie that holds the session token on a host of an owner. */
export function tenantCookieName(site: Pick<Site, 'scheme'>): string {
  return named(site, names.tenant);
}

/** What a browser keeps while somebody signs in. */
type Flow = 'login' | 'handOver';

/** More sign-ins of a kind than this are not under way in one browser: the oldest is given up. */
const maxUnderWay = 4;

/**
 * The cookie of one sign-in under way. Each has its own, so that those in several tabs do not undo
 * each other.
 *
 * @param id What comes back with the visitor; its beginning is the name's last part.
 */
export function flowCookieName(site: Pick<Site, 'scheme'>, flow: Flow, id: string): string {
  return `${named(site, names[flow])}_${id.slice(0, 8)}`;
}

/** `Set-Cookie` values for a new sign-in: its cookie, and the end of those that are too many. */
export function beginFlow(
  site: Pick<Site, 'scheme'>,
  flow: Flow,
  id: string,
  value: string,
  maxAgeSeconds: number,
  header: string | undefined,
): string[] {
  const prefix = flowCookieName(site, flow, '');
  const known = (header ?? '').split(';').map((pair) => pair.split('=', 1)[0]?.trim() ?? '');
  // Browsers send the oldest first (RFC 6265 §5.4).
  const underWay = known.filter((name) => name.startsWith(prefix) && /^[\w-]+$/.test(name));
  return [
    serializeCookie(site, flowCookieName(site, flow, id), value, maxAgeSeconds),
    ...underWay.slice(0, 1 - maxUnderWay).map((name) => serializeCookie(site, name, '', 0)),
  ];
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
  const lower = name.trim().toLowerCase();
  return platformCookies.has(lower) || /^(?:__host-)?ofc_(?:login|handover)_/.test(lower);
}
