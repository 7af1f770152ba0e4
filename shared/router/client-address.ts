import { isIP } from 'node:net';

/**
 * The visitor's address from `X-Forwarded-For`, to which each trusted proxy appended its peer: the
 * entry that the outermost of `trustedProxies` wrote. What stands left of it came from outside.
 *
 * @param peer The address of the connection; the answer if no proxy is trusted or the entry is odd.
 */
export function clientAddress(
  forwardedFor: string | undefined,
  trustedProxies: number,
  peer: string | undefined,
): string {
  const entries = (forwardedFor ?? '').split(',');
  const entry = trustedProxies === 0 ? undefined : entries.at(-trustedProxies)?.trim();
  return bareAddress(entry) ?? bareAddress(peer) ?? 'unknown';
}

/** `192.0.2.1:4711` and `[2001:db8::1]:4711` without the port, as the gateway writes them. */
function bareAddress(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const bare = text.replace(/^::ffff:(?=\d+\.)/, '').replace(/^\[([^\]]*)\](?::\d+)?$/, '$1');
  if (isIP(bare) !== 0) return bare;
  const v4 = bare.replace(/:\d+$/, '');
  return isIP(v4) === 4 ? v4 : undefined;
}
