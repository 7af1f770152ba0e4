/**
 * Finds the lines of a log that hold a text, in any case. `key=value`, as members of JSON lines are shown, finds
 * them as they are written, too.
 */
export function logPattern(wanted: string): RegExp {
  const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const [, key, value] = /^([\w.@-]+)="?(.*)$/.exec(wanted) ?? [];
  const member =
    key === undefined || value === undefined
      ? ''
      : `|"${literal(key)}"\\s*:\\s*"?${literal(value)}`;
  return new RegExp(`${literal(wanted)}${member}`, 'i');
}
