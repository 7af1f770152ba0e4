const maxPathBytes = 1024;
const maxNameBytes = 255;

/**
 * Why a path may not be used inside a build context, or `undefined` if it may: relative, separated by
 * `/`, without empty, `.` or `..` parts, without control characters, of a length every file system takes.
 * The text follows a path in a message: `"a/../b" has a ".." part`.
 */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (path.startsWith('/')) return 'is absolute';
  if (path.includes('\\')) return 'has a backslash';
  if (/[\x00-\x1f\x7f]/.test(path)) return 'has a control character';
  // U+FFFD is what a name that is not UTF-8 was decoded to; it would not be the same name again.
  if (/\p{Surrogate}|\ufffd/u.test(path)) return 'is not valid UTF-8';
  if (Buffer.byteLength(path) > maxPathBytes) return `is longer than ${maxPathBytes} bytes`;
  for (const name of path.split('/')) {
    if (name === '') return 'has an empty part';
    if (name === '.' || name === '..') return `has a "${name}" part`;
    if (Buffer.byteLength(name) > maxNameBytes) {
      return `has a name longer than ${maxNameBytes} bytes`;
    }
  }
  return undefined;
}

/** `text` for a message: quoted, control characters escaped, cut after 200 characters. */
export function quotePath(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
