/**
 * Where to send a visitor after the login: a path on the host that asked, or `/` for everything that
 * would lead elsewhere or could be read in two ways. To the system host, tenants' hosts count as
 * elsewhere: their pages are not ours to vouch for.
 *
 * @param origin The origin to stay on.
 * @param wanted A path, or an absolute URL on that origin, as it came in a query.
 */
export function safeReturnPath(origin: string, wanted: string | null): string {
  if (wanted === null || !/^[!-~]{1,2048}$/.test(wanted) || wanted.includes('\\')) return '/';
  if (/%(?:[01][0-9a-f]|5c|7f)/i.test(wanted)) return '/';
  if (!wanted.startsWith('/') && !wanted.startsWith(`${origin}/`)) return '/';
  if (!URL.canParse(wanted, origin)) return '/';
  const url = new URL(wanted, origin);
  if (url.origin !== origin || url.username !== '' || url.password !== '') return '/';
  const path = url.pathname + url.search;
  return path.startsWith('//') ? '/' : path;
}
