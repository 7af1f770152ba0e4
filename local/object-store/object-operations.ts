import { closeSync, createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { OpenObject } from './object-file.ts';
import { keptHeaders, onlyNew, readRange } from './object-headers.ts';
import { type S3Context, sendEmpty } from './s3-context.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';

/** PutObject. */
export async function putObject({ request, response, files, payload }: S3Context): Promise<void> {
  const { bucket, key } = request;
  const options = { onlyNew: onlyNew(request) };
  const headers = keptHeaders(request);
  files.bucketFolder(bucket);
  const { data, checksum } = payload();
  const details = () => {
    const sum = checksum();
    const header = sum === undefined ? {} : { [`x-amz-checksum-${sum.name}`]: sum.value };
    return { headers: { ...headers, ...header } };
  };
  const meta = await files.put(bucket, key, data, details, options);
  sendEmpty(response, 200, { etag: `"${meta.etag}"` });
}

/** GetObject and HeadObject, with ranges and conditions. */
export async function getObject({ request, response, files }: S3Context): Promise<void> {
  const found = files.open(request.bucket, request.key);
  if (found === undefined) throw new S3Error('NoSuchKey', 'The specified key does not exist.');
  try {
    const headers = objectHeaders(found, request);
    const condition = checkConditions(request, headers['etag'] ?? '');
    if (condition === 304) {
      const { etag = '', 'last-modified': modified = '' } = headers;
      response.writeHead(304, { etag, 'last-modified': modified }).end();
      return;
    }
    const { size } = found.meta;
    const range = readRange(request, size);
    const start = range?.start ?? 0;
    const end = range?.end ?? size - 1;
    response.writeHead(range === undefined ? 200 : 206, {
      ...headers,
      'content-length': end + 1 - start,
      ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
    });
    if (request.method === 'HEAD' || size === 0) response.end();
    else if (found.small !== undefined) response.end(found.small.subarray(start, end + 1));
    else if (found.file !== undefined) {
      const { file: fd } = found;
      await pipeline(createReadStream('', { fd, start, end, autoClose: false }), response);
    }
  } finally {
    if (found.file !== undefined) closeSync(found.file);
  }
}

/** DeleteObject. */
export async function deleteObject({ request, response, files }: S3Context): Promise<void> {
  await files.delete(request.bucket, request.key);
  sendEmpty(response, 204);
}

function objectHeaders(found: OpenObject, { headers: asked }: S3Request): Record<string, string> {
  const withChecksum =
    asked.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED' && !asked.has('range');
  const kept = Object.entries(found.meta.headers).filter(
    ([name]) => withChecksum || !name.startsWith('x-amz-checksum-'),
  );
  return {
    ...Object.fromEntries(kept),
    etag: `"${found.meta.etag}"`,
    'last-modified': found.modified.toUTCString(),
    'accept-ranges': 'bytes',
  };
}

function checkConditions({ headers }: S3Request, etag: string): 304 | undefined {
  const match = headers.get('if-match');
  if (match !== undefined && !listsEtag(match, etag)) {
    throw new S3Error('PreconditionFailed', 'The object has another ETag.');
  }
  const noneMatch = headers.get('if-none-match');
  return noneMatch !== undefined && listsEtag(noneMatch, etag) ? 304 : undefined;
}

function listsEtag(list: string, etag: string): boolean {
  const tags = list.split(',').map((tag) => tag.trim().replaceAll('"', ''));
  return tags.includes('*') || tags.includes(etag.replaceAll('"', ''));
}
