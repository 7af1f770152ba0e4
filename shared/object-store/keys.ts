const safe = /^[A-Za-z0-9_-]$/;

/**
 * Arbitrary text, such as a branch name, as one segment of an object key. Letters, digits, `-` and
 * `_` stay, `.` stays except in front; every other UTF-8 byte becomes `~` and two hex digits (`%`
 * would be decoded by tools that take keys for URLs). Two texts never give the same segment, and no
 * segment is empty, `.`, `..` or holds a slash.
 *
 * @example
 * keyPart('feature/x'); // 'feature~2Fx'
 */
export function keyPart(text: string): string {
  if (text === '') return '~';
  let part = '';
  for (const byte of Buffer.from(text, 'utf8')) {
    const char = String.fromCharCode(byte);
    const plain = safe.test(char) || (char === '.' && part !== '');
    part += plain ? char : `~${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return part;
}

/** What was made a segment by {@link keyPart}. */
export function textOfPart(part: string): string {
  if (part === '~') return '';
  const bytes = part.replace(/~([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
