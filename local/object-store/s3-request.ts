import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { S3Error } from './s3-error.ts';

/**
 * A request taken apart, before anything in it is trusted. Path, bucket, key and query are decoded
 * to *binary strings*: one character per byte, so that plain string comparison is byte order.
 */
export interface S3Request {
  readonly method: string;
  readonly path: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  /** Lower-case names; repeated headers joined by commas. */
  readonly headers: ReadonlyMap<string, string>;
  readonly message: IncomingMessage;
}

const bucketPattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const maxKeyBytes = 1024;

/**
 * Parses the request line and headers. The path is never normalised: `a/../b` is a key.
 *
 * @throws S3Error
 */
export function parseRequest(message: IncomingMessage): S3Request {
  const [rawPath = '', rawQuery = ''] = splitOnce(message.url ?? '', '?');
  if (!rawPath.startsWith('/'))
    throw new S3Error('InvalidURI', 'The path must begin with a slash.');
  const path = percentDecode(rawPath);
  const [bucket = '', key = ''] = splitOnce(path.slice(1), '/');
  if (bucket !== '' && (!bucketPattern.test(bucket) || bucket.includes('..'))) {
    throw new S3Error('InvalidBucketName', 'The bucket name is not valid.');
  }
  if (key.length > maxKeyBytes) {
    throw new S3Error('KeyTooLongError', `A key has at most ${maxKeyBytes} bytes.`);
  }
  if (!isUtf8(Buffer.from(key, 'latin1'))) throw new S3Error('InvalidURI', 'The key is not UTF-8.');
  return {
    method: message.method ?? '',
    path,
    bucket,
    key,
    query: parseQuery(rawQuery),
    headers: collectHeaders(message.rawHeaders),
    message,
  };
}

/** A binary string as the text it stands for. */
export function toText(binary: string): string {
  return Buffer.from(binary, 'latin1').toString('utf8');
}

/** Text as a binary string of its UTF-8 bytes. */
export function toBinary(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function parseQuery(raw: string): Map<string, string> {
  const query = new Map<string, string>();
  for (const part of raw.split('&')) {
    if (part === '') continue;
    const [name = '', value = ''] = splitOnce(part.replaceAll('+', ' '), '=').map(percentDecode);
    if (query.has(name)) throw new S3Error('InvalidArgument', 'A query parameter is repeated.');
    query.set(name, value);
  }
  return query;
}

function collectHeaders(raw: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase();
    const value = (raw[i + 1] ?? '').trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return headers;
}

function percentDecode(text: string): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) throw new S3Error('InvalidURI', 'Bad percent encoding.');
  return text.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
