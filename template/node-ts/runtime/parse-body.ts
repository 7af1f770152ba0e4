import { parseQuery } from './parse-query.ts';
import { Refusal } from './refusal.ts';

/**
 * The body as the Node templates give it: JSON (also `+json`) parsed, form fields as an object, text
 * and bodies without a type as a string, anything else, or compressed, `undefined`: see `rawBody`.
 *
 * @throws Refusal 400 for broken JSON, 415 for an unknown charset.
 */
export function parseBody(
  raw: Buffer,
  contentType: string | undefined,
  encoding?: string,
): unknown {
  if (encoding !== undefined && encoding !== 'identity') return undefined;
  if (contentType === undefined) return raw.toString();
  const [type = '', ...parameters] = contentType.toLowerCase().split(';');
  const kind = kindOf(type.trim());
  if (kind === undefined) return undefined;
  const text = decode(raw, parameters);
  if (kind === 'json') return parseJson(text);
  return kind === 'form' ? parseQuery(text) : text;
}

/** What `parseBody` makes of a media type; which limit holds depends on it too. */
export function kindOf(type: string): 'text' | 'json' | 'form' | undefined {
  if (type === 'application/json' || type.endsWith('+json')) return 'json';
  if (type === 'application/x-www-form-urlencoded') return 'form';
  return type.startsWith('text/') ? 'text' : undefined;
}

function decode(raw: Buffer, parameters: readonly string[]): string {
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([\w.:-]+)"?\s*$/.exec(parameter)?.[1])
    .find((found) => found !== undefined);
  if (charset === undefined || charset === 'utf-8' || charset === 'utf8') return raw.toString();
  try {
    return new TextDecoder(charset).decode(raw);
  } catch {
    throw new Refusal(415, `The charset ${charset} is not supported.`);
  }
}

function parseJson(text: string): unknown {
  const json = text.charCodeAt(0) === 0xfe_ff ? text.slice(1) : text;
  if (json === '') return {};
  try {
    return JSON.parse(json);
  } catch {
    throw new Refusal(400, 'The body is not valid JSON.');
  }
}
