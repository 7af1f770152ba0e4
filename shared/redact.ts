/** Shorter values would blot out half of a log: `true`, `8080`, `admin` are ordinary words. */
export const minRedactedLength = 6;

const mark = '•••';

/** Hides secrets in a text that comes in pieces. */
export interface RedactingStream {
  /** What can be shown by now; the rest is kept back, as it may be the beginning of a secret. */
  push(text: string): string;
  /** What was kept back. */
  end(): string;
}

/**
 * Makes a function that hides secrets in a text: each value, each of its lines, what stands behind a `=` in
 * one (an `.npmrc`, an `.env`), and all of these in base64, percent-encoded and as a JSON string.
 * Values under {@link minRedactedLength} characters are not looked for.
 */
export function createRedactor(values: Iterable<string | Buffer>): (text: string) => string {
  const forms = formsOf(values);
  return (text) => (forms.length === 0 ? text : replace(text, findAll(text, forms)));
}

/** As {@link createRedactor}, for a text in pieces: a secret may be split over any number of them. */
export function createRedactingStream(values: Iterable<string | Buffer>): RedactingStream {
  const forms = formsOf(values);
  let kept = '';
  /** How much of `kept` belongs to a secret that the mark was shown for. */
  let hidden = 0;
  const show = (all: string, found: readonly Stretch[]): string => {
    const [first] = found;
    const isMarked = hidden > 0 && first?.[0] === 0;
    return isMarked
      ? replace(all.slice(first[1]), moved(found.slice(1), first[1]))
      : replace(all, found);
  };
  return {
    push(text) {
      const all = kept + text;
      if (forms.length === 0) return all;
      const found = join([[0, hidden], ...findAll(all, forms)]);
      const end = all.length - unfinished(all, forms);
      const shown = show(
        all.slice(0, end),
        join(found.map(([from, to]) => [from, Math.min(to, end)])),
      );
      const isMarked = ([from]: Stretch) => from < end || (from === 0 && hidden > 0);
      hidden = Math.max(0, ...found.filter(isMarked).map(([, to]) => to - end));
      kept = all.slice(end);
      return shown;
    },
    end() {
      const rest = show(kept, join([[0, hidden], ...findAll(kept, forms)]));
      kept = '';
      hidden = 0;
      return rest;
    },
  };
}

/** A stretch of a text: from, up to. */
type Stretch = readonly [from: number, to: number];

/** Everything to look for, the longest first. */
function formsOf(values: Iterable<string | Buffer>): string[] {
  const forms = new Set<string>();
  for (const value of values) {
    const bytes = Buffer.from(value);
    const text = bytes.toString('utf8');
    const lines = text.split(/\r?\n/).flatMap((line) => {
      const [, assigned] = /=\s*(.+)$/.exec(line) ?? [];
      return assigned === undefined ? [line] : [line, assigned];
    });
    for (const part of [text, ...lines].map((one) => one.trim())) {
      if (part.length < minRedactedLength) continue;
      for (const form of spellings(part)) forms.add(form);
    }
    if (bytes.length >= minRedactedLength) for (const form of base64Forms(bytes)) forms.add(form);
  }
  return [...forms].sort((a, b) => b.length - a.length);
}

function spellings(text: string): string[] {
  const encoded = encodeURIComponent(text);
  return [
    text,
    JSON.stringify(text).slice(1, -1),
    encoded,
    encoded.replaceAll('%20', '+'),
    encoded.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    ...base64Forms(Buffer.from(text)),
  ];
}

/**
 * Base64 of the bytes wherever they stand in what is encoded (`user:password`): three alignments, less the
 * characters at both ends that depend on their neighbours.
 */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const whole = Math.floor(((shift + bytes.length) * 8) / 6);
    const form = text.slice(Math.ceil((shift * 8) / 6), whole);
    if (form.length < minRedactedLength) return [];
    const all = shift === 0 ? [form, text, bytes.toString('base64')] : [form];
    return all.flatMap((one) => [one, one.replaceAll('+', '-').replaceAll('/', '_')]);
  });
}

/** All stretches that hold a secret, in order. */
function findAll(text: string, forms: readonly string[]): Stretch[] {
  const found: Stretch[] = [];
  for (const form of forms) {
    for (let at = text.indexOf(form); at !== -1; at = text.indexOf(form, at + 1)) {
      found.push([at, at + form.length]);
    }
  }
  return join(found);
}

/** In order, none empty, and one where they touch or overlap. */
function join(stretches: readonly Stretch[]): Stretch[] {
  const joined: [number, number][] = [];
  for (const [from, to] of stretches.toSorted((a, b) => a[0] - b[0])) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else if (to > from) joined.push([from, to]);
  }
  return joined;
}

function moved(stretches: readonly Stretch[], by: number): Stretch[] {
  return stretches.map(([from, to]) => [from - by, to - by]);
}

function replace(text: string, found: readonly Stretch[]): string {
  let shown = '';
  let at = 0;
  for (const [from, to] of found) {
    shown += text.slice(at, from) + mark;
    at = to;
  }
  return shown + text.slice(at);
}

/** How many characters at the end of a text may be the beginning of a secret. */
function unfinished(text: string, forms: readonly string[]): number {
  let longest = 0;
  for (const form of forms) {
    const first = form.slice(0, 1);
    const from = Math.max(0, text.length - form.length + 1);
    for (let at = text.indexOf(first, from); at !== -1; at = text.indexOf(first, at + 1)) {
      if (text.length - at <= longest) break;
      if (form.startsWith(text.slice(at))) longest = text.length - at;
    }
  }
  return longest;
}
