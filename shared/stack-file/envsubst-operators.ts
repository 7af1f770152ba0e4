/** Applies the operator of a `${NAME…}` expression to the variable's value, as faas-cli does. */
export function applyOperator(operator: string, value: string, args: readonly string[]): string {
  const [first = '', second = ''] = args;
  switch (operator) {
    case 'length':
      return String(Buffer.byteLength(value));
    case '^':
      return mapFirst(value, (character) => character.toUpperCase());
    case '^^':
      return value.toUpperCase();
    case ',':
      return mapFirst(value, (character) => character.toLowerCase());
    case ',,':
      return value.toLowerCase();
    case ':':
      return part(value, first, args[1]);
    case '#':
    case '##':
      return value.slice(prefixLength(value, first, operator === '##'));
    case '%':
    case '%%':
      return withoutSuffix(value, first, operator === '%%');
    case '/':
      return value.replace(first, () => second);
    case '//':
      return value.replaceAll(first, () => second);
    case '/#':
      return value.startsWith(first) ? second + value.slice(first.length) : value;
    case '/%':
      return value.endsWith(first) ? value.slice(0, value.length - first.length) + second : value;
    default:
      return value === '' ? first : value;
  }
}

function mapFirst(value: string, change: (character: string) => string): string {
  const [first = ''] = value;
  return change(first) + value.slice(first.length);
}

/** `value` from `offset` on, at most `length` bytes; the whole value where a number cannot be read. */
function part(value: string, offset: string, length: string | undefined): string {
  const bytes = Buffer.from(value);
  const from = readInteger(offset);
  const count = length === undefined ? bytes.length : readInteger(length);
  if (from === undefined || count === undefined) return value;
  const start = from < 0 ? Math.max(bytes.length + from, 0) : from;
  return bytes.subarray(start, Math.max(start + count, start)).toString();
}

function readInteger(text: string): number | undefined {
  return /^[+-]?\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function withoutSuffix(value: string, pattern: string, longest: boolean): string {
  const backwards = Array.from(value).reverse();
  const tokens = globTokens(pattern).reverse();
  const cut = matchLength(backwards, tokens, longest);
  return backwards.slice(cut).reverse().join('');
}

function prefixLength(value: string, pattern: string, longest: boolean): number {
  const characters = Array.from(value);
  const cut = matchLength(characters, globTokens(pattern), longest);
  return characters.slice(0, cut).join('').length;
}

type GlobToken = '*' | ((character: string) => boolean);

/** `*`, `?`, `[a-z]`, `[^a]` and `\x`; anything else stands for itself. */
function globTokens(pattern: string): GlobToken[] {
  const tokens: GlobToken[] = [];
  for (const [token] of pattern.matchAll(/\\.|\[\^?[^\]]+\]|./gsu)) {
    if (token === '*') tokens.push('*');
    else if (token === '?') tokens.push(() => true);
    else if (token.length > 1 && token.startsWith('[')) tokens.push(characterClass(token));
    else {
      const literal = token.length > 1 && token.startsWith('\\') ? token.slice(1) : token;
      tokens.push((character) => character === literal);
    }
  }
  return tokens;
}

function characterClass(token: string): (character: string) => boolean {
  const negated = token.startsWith('[^');
  const ranges = Array.from(
    token.slice(negated ? 2 : 1, -1).matchAll(/(.)-(.)|(.)/gsu),
    (range) => {
      const from = range[1] ?? range[3] ?? '';
      return { from, to: range[2] ?? from };
    },
  );
  return (character) =>
    ranges.some(({ from, to }) => from <= character && character <= to) !== negated;
}

/**
 * How many leading characters the pattern takes: the fewest or the most, at least one; 0 if it does not match.
 * All states are followed at once, so the time is at most characters × tokens, whatever the pattern.
 */
function matchLength(characters: string[], tokens: GlobToken[], longest: boolean): number {
  let states = skipStars(new Set([0]), tokens);
  let found = 0;
  for (const [index, character] of characters.entries()) {
    const next = new Set<number>();
    for (const state of states) {
      const token = tokens[state];
      if (token === '*') next.add(state);
      else if (token?.(character)) next.add(state + 1);
    }
    states = skipStars(next, tokens);
    if (states.size === 0) break;
    if (states.has(tokens.length)) {
      found = index + 1;
      if (!longest) break;
    }
  }
  return found;
}

/** Adds the states behind stars, which may match nothing. Sets visit what is added while iterating. */
function skipStars(states: Set<number>, tokens: GlobToken[]): Set<number> {
  for (const state of states) if (tokens[state] === '*') states.add(state + 1);
  return states;
}
