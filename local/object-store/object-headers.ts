import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';

const kept = new Set([
  'cache-control',
  'content-disposition',
  'content-language',
  'content-type',
  'expires',
]);
const maxBytes = 2048;

/** The headers of an upload that come back with the object: the standard ones and `x-amz-meta-…`. */
export function keptHeaders({ headers }: S3Request): Record<string, string> {
  const found: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  for (const [name, value] of headers) {
    if (kept.has(name) || name.startsWith('x-amz-meta-')) found[name] = value;
  }
  const encoding = headers.get('content-encoding')?.replace(/(^|, *)aws-chunked(, *|$)/, '');
  if (encoding) found['content-encoding'] = encoding;
  const bytes = Object.entries(found).join('').length;
  if (bytes > maxBytes) {
    throw new S3Error('MetadataTooLarge', `Headers of an object have at most ${maxBytes} bytes.`);
  }
  return found;
}

/**
 * Whether a PUT must find the key free (`If-None-Match: *`).
 *
 * @throws S3Error `NotImplemented` for other conditions and for copies: never silently ignored.
 */
export function onlyNew({ headers }: S3Request): boolean {
  for (const name of ['if-match', 'x-amz-copy-source', 'x-amz-write-offset-bytes']) {
    if (headers.has(name)) throw new S3Error('NotImplemented', `${name} is not supported here.`);
  }
  const condition = headers.get('if-none-match');
  if (condition !== undefined && condition !== '*') {
    throw new S3Error('NotImplemented', 'If-None-Match is supported with * only.');
  }
  return condition === '*';
}

/** A part of an object, both ends included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The range that a GET asks for; `undefined` = all of it. A header that is no single range of bytes
 * is ignored, as RFC 9110 §14.2 has it.
 *
 * @throws S3Error `InvalidRange`
 */
export function readRange({ headers }: S3Request, size: number): ByteRange | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(headers.get('range') ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined;
  if (start > end) throw new S3Error('InvalidRange', 'The range cannot be satisfied.');
  return { start, end };
}
