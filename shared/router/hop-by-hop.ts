/** Fields that concern one connection only (RFC 9110 §7.6.1, and their older company). */
export const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Fields that frame or route a message: a sender cannot have them dropped through `Connection`. */
const kept: ReadonlySet<string> = new Set(['content-length', 'host', 'close', 'keep-alive']);

/** The further fields that `Connection` names, lower case; `undefined` if there are none. */
export function namedInConnection(raw: readonly string[]): ReadonlySet<string> | undefined {
  let names: Set<string> | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.length !== 10 || raw[i]?.toLowerCase() !== 'connection') continue;
    for (const item of raw[i + 1]?.split(',') ?? []) {
      const name = item.trim().toLowerCase();
      if (name === '' || kept.has(name)) continue;
      names ??= new Set();
      names.add(name.replaceAll('_', '-'));
    }
  }
  return names;
}
