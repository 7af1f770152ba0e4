import { setImmediate as nextTurn } from 'node:timers/promises';
import { statObject } from './object-file.ts';
import type { ObjectFiles } from './object-files.ts';
import { S3Error } from './s3-error.ts';
import { type S3Request, toText } from './s3-request.ts';
import { walkKeys } from './walk-keys.ts';
import { type XmlElement, xmlDocument } from './xml.ts';

const maxPage = 1000;

interface Page {
  /** In order: an object's key and file, or a common prefix without a file. */
  readonly entries: { key: string; path?: string }[];
  readonly next: string | undefined;
}

/**
 * ListObjectsV2: one page of a bucket's keys, in the order of their bytes.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 * @throws S3Error
 */
export async function listObjects(files: ObjectFiles, request: S3Request): Promise<string> {
  const { query, bucket } = request;
  const encoding = query.get('encoding-type');
  const asked = query.get('max-keys') ?? String(maxPage);
  if (!/^\d{1,9}$/.test(asked)) throw new S3Error('InvalidArgument', 'max-keys is not a number.');
  if (encoding !== undefined && encoding !== 'url') {
    throw new S3Error('InvalidArgument', 'encoding-type must be url.');
  }
  const text = (binary: string): string =>
    encoding === 'url' ? encodeURIComponent(toText(binary)).replaceAll('%2F', '/') : toText(binary);
  const limit = Math.min(Number(asked), maxPage);
  const page = await collect(files.bucketFolder(bucket), request, limit);
  const contents: XmlElement[] = [];
  for (const [at, entry] of page.entries.entries()) {
    if (at % 100 === 99) await nextTurn(); // others want an answer too
    contents.push(...describe(entry, text));
  }
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after');
  return xmlDocument('ListBucketResult', [
    ['Name', bucket],
    ['Prefix', text(query.get('prefix') ?? '')],
    ['Delimiter', text(query.get('delimiter') ?? '')],
    ['MaxKeys', limit],
    ['KeyCount', page.entries.length],
    ['IsTruncated', page.next !== undefined],
    ...optional('EncodingType', encoding),
    ...optional('ContinuationToken', token),
    ...optional('StartAfter', startAfter === undefined ? undefined : text(startAfter)),
    ...optional('NextContinuationToken', page.next),
    ...contents,
  ]);
}

async function collect(folder: string, { query }: S3Request, limit: number): Promise<Page> {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const start = readToken(query.get('continuation-token')) ?? {
    after: query.get('start-after') ?? '',
    skip: undefined,
  };
  const cursor = { prefix, ...start };
  const entries: Page['entries'] = [];
  let last = '';
  if (limit === 0) return { entries, next: undefined };
  for await (const { key, path } of walkKeys(folder, cursor)) {
    if (entries.length === limit) return { entries, next: last };
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    if (end < 0) {
      entries.push({ key, path });
      last = writeToken('key', key);
    } else {
      cursor.skip = key.slice(0, end + delimiter.length);
      entries.push({ key: cursor.skip });
      last = writeToken('prefix', cursor.skip);
    }
  }
  return { entries, next: undefined };
}

function describe(
  { key, path }: { key: string; path?: string },
  text: (binary: string) => string,
): XmlElement[] {
  if (path === undefined) return [['CommonPrefixes', [['Prefix', text(key)]]]];
  const found = statObject(path);
  if (found === undefined) return []; // deleted meanwhile
  return [
    [
      'Contents',
      [
        ['Key', text(key)],
        ['LastModified', found.modified.toISOString()],
        ['ETag', `"${found.meta.etag}"`],
        ['Size', found.meta.size],
        ['StorageClass', 'STANDARD'],
      ],
    ],
  ];
}

function writeToken(kind: 'key' | 'prefix', last: string): string {
  return Buffer.from(`${kind}:${last}`, 'latin1').toString('base64url');
}

function readToken(
  token: string | undefined,
): { after: string; skip: string | undefined } | undefined {
  if (token === undefined) return undefined;
  const [, kind, last] =
    /^(key|prefix):(.*)$/s.exec(Buffer.from(token, 'base64url').toString('latin1')) ?? [];
  if (last === undefined) throw new S3Error('InvalidArgument', 'The continuation token is wrong.');
  return { after: last, skip: kind === 'prefix' ? last : undefined };
}

function optional(name: string, value: string | undefined): XmlElement[] {
  return value === undefined ? [] : [[name, value]];
}
