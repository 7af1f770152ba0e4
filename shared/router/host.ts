/** What a visitor's host names. */
export type HostName =
  | { readonly kind: 'system' }
  /** `builder.system.<domain>`, where faas-cli finds a builder. */
  | { readonly kind: 'builder' }
  /** One label below the domain; whether an owner has it is for the index to say. */
  | { readonly kind: 'owner'; readonly label: string }
  /** A proper host that is not one of ours; a function may have it as its custom domain. */
  | { readonly kind: 'foreign'; readonly host: string }
  | { readonly kind: 'malformed' };

const hostAndPort = /^([A-Za-z0-9.-]{1,254}?)\.?(?::([0-9]{1,5}))?$/;
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Reads a `Host` value (RFC 9110 §7.2): case is folded, one trailing dot and a port are dropped.
 * Everything but letters, digits, dots and hyphens is malformed: user info, lists, IPv6, raw IDN.
 *
 * @param domain The site's domain, lower case.
 */
export function parseHost(text: string | undefined, domain: string): HostName {
  const match = hostAndPort.exec(text ?? '');
  // Folded only now: outside ASCII there are letters whose lower case is inside.
  const host = match?.[1]?.toLowerCase();
  const port = Number(match?.[2] ?? 80);
  if (host === undefined || port < 1 || port > 65_535) return { kind: 'malformed' };
  if (!host.split('.').every((part) => label.test(part))) return { kind: 'malformed' };
  if (!host.endsWith(`.${domain}`)) return { kind: 'foreign', host };
  const name = host.slice(0, -domain.length - 1);
  if (name === 'builder.system') return { kind: 'builder' };
  if (name.includes('.')) return { kind: 'foreign', host };
  return name === 'system' ? { kind: 'system' } : { kind: 'owner', label: name };
}
