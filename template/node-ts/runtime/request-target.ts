/**
 * Splits a request target into path and query (without `?`). A target in absolute form
 * (`http://host/path`, RFC 9112 §3.2.2) counts from its path.
 */
export function splitTarget(target: string): { path: string; rawQuery: string } {
  const local = target.startsWith('/')
    ? target
    : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '');
  const mark = local.indexOf('?');
  if (mark === -1) return { path: local || '/', rawQuery: '' };
  return { path: local.slice(0, mark) || '/', rawQuery: local.slice(mark + 1) };
}
