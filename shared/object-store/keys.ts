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
