/** A request target (RFC 9112 §3.2.1) that means the same to everyone who reads it. */
export interface Target {
  /** All of it before the query, byte for byte. */
  readonly path: string;
  /** The first segment, if a function can have that name: `hello` in `/hello/a?x`; empty for `/`. */
  readonly first: string | undefined;
  /** What follows it, byte for byte: empty, or beginning with `/`. */
  readonly tail: string;
  /** With its `?`, byte for byte; empty if there is none. */
  readonly query: string;
}

/** Longer targets are refused; browsers and proxies do not agree on them. */
export const maxTargetLength = 8192;

/**
 * Splits a raw request target. The path is never rewritten: what can be read in two ways is refused,
 * so that what is matched here is what is forwarded.
 *
 * Refused are: other forms than `/path?query`, control characters, spaces, backslashes, `#` and bytes
 * beyond ASCII; malformed escapes and `%00`; dot segments and empty segments, plain, encoded, encoded
 * twice, or made by an encoded slash or backslash.
 *
 * @returns The target, or the HTTP status of the refusal.
 */
export function parseTarget(raw: string): Target | 400 | 414 {
  if (raw.length > maxTargetLength) return 414;
  const question = raw.indexOf('?');
  const path = question === -1 ? raw : raw.slice(0, question);
  const query = question === -1 ? '' : raw.slice(question);
  if (!/^\/[!-~]*$/.test(path) || !/^[!-~]*$/.test(query)) return 400;
  if (/[\\#]/.test(path) || query.includes('#')) return 400;
  if (/%|\/[./]/.test(path) && isAmbiguous(path)) return 400;
  const slash = path.indexOf('/', 1);
  const segment = slash === -1 ? path.slice(1) : path.slice(1, slash);
  const first = /^[a-z0-9-]*$/.test(segment) ? segment : undefined;
  return { path, first, tail: slash === -1 ? '' : path.slice(slash), query };
}

/** Deeper encodings are refused: each level costs a pass, and no honest address has that many. */
const maxDecodings = 4;

/** Decodes until nothing changes, so that no reader behind us can find a segment we did not see. */
function isAmbiguous(path: string): boolean {
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return true;
  let text = path;
  for (let pass = 0; pass <= maxDecodings; pass++) {
    if (hasOddSegment(text)) return true;
    const decoded = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (decoded === text) return false;
    text = decoded;
  }
  return true;
}

function hasOddSegment(text: string): boolean {
  if (text.includes('\0')) return true;
  const segments = text.split(/[/\\]/).slice(1);
  return segments.some(
    (segment, index) =>
      /^\.\.?(?:;|$)/.test(segment) || (segment === '' && index < segments.length - 1),
  );
}
