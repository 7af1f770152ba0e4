/**
 * How keys become file names, so that any key is safe, no two share a file, and a folder holds what
 * has one prefix up to a slash.
 *
 * A key is cut at its slashes. Each segment is escaped byte by byte (`%2F` and so on; capitals too,
 * as some file systems do not tell them from small letters) and marked at its end: `=` a file, `+` a
 * folder. So `a` (`a=`) and `a/b` (`a+/b=`) can both exist, and `..` (`..=`) is a name like any
 * other. A segment of 64 bytes or more is spread over nested folders of exactly 64 bytes marked `~`,
 * as file names end at 255.
 *
 * Keys here are binary strings: a character per byte.
 *
 * @module
 */

const pieceBytes = 64;

/** The path of a key's file, relative to its bucket. */
export function keyPath(key: string): string {
  const slash = key.lastIndexOf('/');
  return folderPath(key.slice(0, slash + 1)) + segmentPath(key.slice(slash + 1), '=');
}

/** The folder of all keys with this prefix, relative to its bucket; a prefix ends with a slash or is empty. */
export function folderPath(prefix: string): string {
  const segments = prefix.split('/').slice(0, -1);
  return segments.map((segment) => `${segmentPath(segment, '+')}/`).join('');
}

/** What an entry of a folder stands for. `stem` is what its keys begin with, or the key itself. */
export interface KeyEntry {
  readonly stem: string;
  readonly isFile: boolean;
  readonly name: string;
}

/** Reads a file name back, in a folder whose keys begin with `base`. Foreign files are `undefined`. */
export function parseEntry(base: string, name: string): KeyEntry | undefined {
  const mark = name.at(-1);
  if (mark !== '=' && mark !== '+' && mark !== '~') return undefined;
  const text = name
    .slice(0, -1)
    .replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return { stem: base + text + (mark === '+' ? '/' : ''), isFile: mark === '=', name };
}

function segmentPath(segment: string, mark: '=' | '+'): string {
  let path = '';
  let rest = segment;
  for (; rest.length >= pieceBytes; rest = rest.slice(pieceBytes)) {
    path += `${escapeBytes(rest.slice(0, pieceBytes))}~/`;
  }
  return path + escapeBytes(rest) + mark;
}

function escapeBytes(bytes: string): string {
  return bytes.replace(
    /[^a-z0-9._-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
