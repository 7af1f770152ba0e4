import { Http1Error } from './http1-error.ts';

/** The head of an HTTP/1.1 answer. */
export interface ResponseHead {
  readonly status: number;
  /** Names and values in turn, as they came. */
  readonly headers: string[];
  /** How the body is delimited: its length (0: there is none), chunks, or the connection's end. */
  readonly body: number | 'chunked' | 'close';
  /** The connection can take another request after this answer. */
  readonly keepAlive: boolean;
}

/** Longer heads are refused, as are more fields. */
export const maxHeadBytes = 64 * 1024;
const maxFields = 500;

const statusLine = /HTTP\/1\.1 ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?\r\n/y;
const fieldLines = /(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*/y;

/**
 * Reads the head of an answer, strictly: what RFC 9112 lets a reader repair or guess is an error
 * here. Refused are other versions, folded lines, white space before a colon, bare CR or LF, control
 * characters; more than one length; a length beside chunks; codings other than `chunked`; a body
 * where the status has none.
 *
 * @param text The head as Latin-1, with the line end of its last field and without the empty line.
 * @param method The request's method: an answer to HEAD has no body (RFC 9112 §6.3).
 * @throws Http1Error `protocol`
 */
export function parseResponseHead(text: string, method: string): ResponseHead {
  statusLine.lastIndex = 0;
  const status = Number(statusLine.exec(text)?.[1] ?? refuse('the status line'));
  const headers: string[] = [];
  let at = statusLine.lastIndex;
  if (!areFieldLines(text, at)) return refuse('a field line');
  let length: number | undefined;
  let chunked = false;
  let keepAlive = true;
  while (at < text.length) {
    if (headers.length >= 2 * maxFields) return refuse('a field line');
    const colon = text.indexOf(':', at);
    const end = text.indexOf('\r\n', colon);
    const name = text.slice(at, colon);
    const rest = text.slice(colon + 1, end);
    const value = trim(rest);
    at = end + 2;
    headers.push(name, value);
    // Parsers differ on a tab behind a length, so none may stand behind what frames the message.
    const exact = rest.endsWith(value);
    // The lengths tell most names apart from these three without a look at their letters.
    if (name.length === 14 && name.toLowerCase() === 'content-length') {
      if (length !== undefined || !exact || !/^[0-9]{1,15}$/.test(value)) {
        return refuse('the length');
      }
      length = Number(value);
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      if (chunked || !exact || value.toLowerCase() !== 'chunked') {
        return refuse('the transfer coding');
      }
      chunked = true;
    } else if (name.length === 10 && name.toLowerCase() === 'connection') {
      if (/(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(value)) keepAlive = false;
    }
  }
  if (chunked && length !== undefined) return refuse('a length beside chunks');
  if (status < 200 || status === 204) {
    if (chunked || (length ?? 0) > 0) return refuse(`a body with status ${status}`);
    return { status, headers, body: 0, keepAlive };
  }
  if (method === 'HEAD' || status === 304) return { status, headers, body: 0, keepAlive };
  if (chunked) return { status, headers, body: 'chunked', keepAlive };
  return { status, headers, body: length ?? 'close', keepAlive: keepAlive && length !== undefined };
}

/** Whether `text`, lines with their ends, is a list of fields that a chunked body may end with. */
export function areTrailers(text: string): boolean {
  // Fields that frame a message have no place behind it (RFC 9110 §6.5.1).
  return areFieldLines(text, 0) && !/^(?:content-length|transfer-encoding):/im.test(text);
}

/** Whether all of `text` from `at` on is field lines. Once for all: a match for each would cost twice as much. */
function areFieldLines(text: string, at: number): boolean {
  fieldLines.lastIndex = at;
  return fieldLines.test(text) && fieldLines.lastIndex === text.length;
}

/** Without spaces and tabs around it. By hand: a pattern for it takes the square of the time for many of them. */
function trim(value: string): string {
  let begin = 0;
  let end = value.length;
  while (begin < end && isBlank(value.charCodeAt(begin))) begin++;
  while (end > begin && isBlank(value.charCodeAt(end - 1))) end--;
  return value.slice(begin, end);
}

const isBlank = (code: number) => code === 0x20 || code === 0x09;

function refuse(what: string): never {
  throw new Http1Error('protocol', `The answer cannot be read: ${what}.`);
}
