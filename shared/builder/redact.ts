/** Shorter values would blot out half of a log, and are no secrets. */
const minLength = 6;

/**
 * Makes a function that replaces secrets in a line of text: each value, each of its lines, and its
 * base64 form.
 */
export function createRedactor(values: Iterable<string | Buffer>): (text: string) => string {
  const hidden = new Set<string>();
  for (const value of values) {
    const bytes = Buffer.from(value);
    const forms = [...bytes.toString('utf8').split(/\r?\n/), bytes.toString('base64')];
    for (const form of forms) if (form.trim().length >= minLength) hidden.add(form.trim());
  }
  // The longest first: a value may hold another one.
  const ordered = [...hidden].sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((line, secret) => line.replaceAll(secret, '•••'), text);
}
