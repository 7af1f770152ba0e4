import { Http1Error } from './http1-error.ts';

/** How a request's body is delimited: it has none, a length, or chunks. */
export type RequestBody = 'none' | number | 'chunked';

const target = /^\/[!-~]*$/;
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const forbidden = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * The head of a request as it goes over the wire (RFC 9112 §3, §5), with the empty line.
 *
 * @param headers Names and values in turn; without Host and without fields that frame the body.
 * @throws Http1Error `protocol` if anything in it could be read as something else.
 */
export function requestHead(
  method: string,
  path: string,
  host: string,
  headers: readonly string[],
  body: RequestBody,
): string {
  if (!token.test(method) || !target.test(path)) throw unsendable('the request line');
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n`;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [name = '', value = ''] = [headers[i], headers[i + 1]];
    if (!token.test(name) || forbidden.test(value)) throw unsendable('a field');
    text += `${name}: ${value}\r\n`;
  }
  if (body === 'none') return `${text}\r\n`;
  return body === 'chunked'
    ? `${text}transfer-encoding: chunked\r\n\r\n`
    : `${text}content-length: ${body}\r\n\r\n`;
}

function unsendable(what: string): Http1Error {
  return new Http1Error('protocol', `The request cannot be sent: ${what}.`);
}
