/**
 * A URL path without empty, `.` and `..` segments, as Go's `path.Clean` makes it; a slash at the end
 * stays. A client that asks for another form is sent there.
 */
export function cleanPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const clean = `/${kept.join('/')}`;
  return clean !== '/' && path.endsWith('/') ? `${clean}/` : clean;
}
