/** A line of a function's log that is one JSON object, in the order people read it. */
export interface JsonLine {
  /** When it came, and from which replica. */
  readonly head: string;
  readonly level: string;
  readonly tone: 'bad' | 'warn' | 'accent' | 'muted';
  readonly message: string;
  /** All the others: `key=value`, the values as they were written; texts of several lines at the end. */
  readonly fields: string;
}

/** Longer ones stay as they are. */
const maxLength = 20_000;
/** What comes before each line: the time that the platform saw, and the replica. */
const cameBy = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) {2}(\S*) {2}(?=\{)/;
/** A time of the line's own that is so close stands for the platform's: it is the more exact one. */
const sameMs = 2000;

/** Names that loggers use: of this platform, pino, winston, bunyan, zap, slog, logrus. */
const names = {
  time: ['time', 'timestamp', '@timestamp', 'ts'],
  level: ['level', 'severity', 'lvl'],
  message: ['message', 'msg'],
};
/** As pino and bunyan number them. */
const numbered: ReadonlyMap<string, string> = new Map([
  ['10', 'trace'],
  ['20', 'debug'],
  ['30', 'info'],
  ['40', 'warn'],
  ['50', 'error'],
  ['60', 'fatal'],
]);

/**
 * Reads a line of a function's log as `useFunctionLog` gives it.
 *
 * Nothing is made of what cannot be trusted: numbers keep their digits, nested values their text, and no
 * key becomes a property.
 *
 * @returns `undefined` for whatever is not a JSON object, or is very long.
 */
export function readJsonLine(line: string): JsonLine | undefined {
  const [before, came = '', instance = ''] = cameBy.exec(line) ?? [];
  if (before === undefined || line.length > maxLength) return undefined;
  const rest = membersOf(line.slice(before.length));
  if (rest.length === 0) return undefined;

  const own = take(rest, names.time, (source) => {
    const at = timeOf(source);
    return Math.abs(at - Date.parse(`${came.replace(' ', 'T')}Z`)) < sameMs ? at : undefined;
  });
  const time =
    own === undefined ? came : new Date(own).toISOString().slice(0, 23).replace('T', ' ');
  const level = take(rest, names.level, (source) => textOf(source) ?? numbered.get(source)) ?? '';
  const message = take(rest, names.message, textOf) ?? '';
  const fields = rest.map(({ key, source }) => {
    const text = textOf(source);
    return `${plain(key)}=${text?.includes('\n') ? `\n${text}` : plain(source)}`;
  });
  const last = fields.filter((field) => field.includes('\n')).map((field) => `\n${field}`);
  const first = fields.filter((field) => !field.includes('\n')).join(' ');
  return {
    head: `${time}  ${instance}`,
    level,
    tone: toneOf(level),
    message,
    fields: first + last.join(''),
  };
}

/** Key and value as they stand in the text, quotes and all. */
interface Member {
  readonly key: string;
  readonly source: string;
}

/** The members of a JSON object; none of anything else. */
function membersOf(json: string): Member[] {
  try {
    JSON.parse(json);
  } catch {
    return [];
  }
  const members: Member[] = [];
  let depth = 0;
  let key = '';
  let from = 0;
  for (const { 0: token, index } of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g)) {
    if (token === '{' || token === '[') depth += 1;
    if (depth === 1 && token.length === 1) {
      const source = json.slice(from, index).trim();
      from = index + 1;
      if (token === ':') key = source;
      else if (key !== '') members.push({ key, source });
    }
    if (token === '}' || token === ']') depth -= 1;
  }
  return members;
}

/** Takes the first member out that has one of the names, and a value that can be read. */
function take<Value>(
  members: Member[],
  wanted: readonly string[],
  read: (source: string) => Value | undefined,
): Value | undefined {
  for (const [index, { key, source }] of members.entries()) {
    const value = wanted.includes(textOf(key) ?? '') ? read(source) : undefined;
    if (value === undefined) continue;
    members.splice(index, 1);
    return value;
  }
  return undefined;
}

function textOf(source: string): string | undefined {
  return source.startsWith('"') ? String(JSON.parse(source)) : undefined;
}

/** ISO 8601, or the time since 1970 in seconds or milliseconds; `NaN` for anything else. */
function timeOf(source: string): number {
  const text = textOf(source);
  if (text !== undefined) return /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
  const number = Number(source);
  return number < 1e11 ? number * 1000 : number;
}

/** Without its quotes, where that can be told from what stands around it. */
function plain(source: string): string {
  return /^"[\w.:/@+-]+"$/.test(source) ? source.slice(1, -1) : source;
}

function toneOf(level: string): JsonLine['tone'] {
  if (/^(?:err|fatal|crit|panic|alert|emerg)/i.test(level)) return 'bad';
  if (/^warn/i.test(level)) return 'warn';
  return /^(?:debug|trace|verbose|silly)/i.test(level) ? 'muted' : 'accent';
}
