import {
  createBucket,
  deleteObjects,
  headBucket,
  listBucket,
  listBuckets,
} from './bucket-operations.ts';
import { abortUpload, completeUpload, createUpload, uploadPart } from './multipart-operations.ts';
import { deleteObject, getObject, putObject } from './object-operations.ts';
import type { S3Context } from './s3-context.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';

type Operation = (context: S3Context) => Promise<void>;

const listParameters = [
  'list-type',
  'prefix',
  'delimiter',
  'max-keys',
  'start-after',
  'continuation-token',
  'encoding-type',
  'fetch-owner',
];

/** By what is addressed, the method, and the sub-resource that a query parameter names. */
const operations: Readonly<Record<string, { run: Operation; query?: readonly string[] }>> = {
  'service GET': { run: listBuckets },
  'bucket PUT': { run: createBucket },
  'bucket HEAD': { run: headBucket },
  'bucket GET': { run: listBucket, query: listParameters },
  'bucket POST delete': { run: deleteObjects },
  'object PUT': { run: putObject },
  'object GET': { run: getObject },
  'object HEAD': { run: getObject },
  'object DELETE': { run: deleteObject },
  'object POST uploads': { run: createUpload },
  'object PUT uploadId': { run: uploadPart, query: ['partNumber'] },
  'object POST uploadId': { run: completeUpload },
  'object DELETE uploadId': { run: abortUpload },
};
const subresources = ['delete', 'uploads', 'uploadId'];

/**
 * Finds the operation that a request asks for.
 *
 * @throws S3Error `NotImplemented` also for a parameter we do not know: `?acl` is not the object.
 */
export function route({ method, bucket, key, query }: S3Request): Operation {
  const target = key !== '' ? 'object' : bucket !== '' ? 'bucket' : 'service';
  const subresource = subresources.find((name) => query.has(name));
  const name = [target, method, subresource].filter((part) => part !== undefined).join(' ');
  const found = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (found === undefined) throw new S3Error('NotImplemented', `${name} is not supported here.`);
  for (const parameter of query.keys()) {
    const known =
      parameter === subresource ||
      parameter === 'x-id' ||
      /^x-amz-/i.test(parameter) ||
      found.query?.includes(parameter);
    if (!known) throw new S3Error('NotImplemented', `?${parameter} is not supported here.`);
  }
  return found.run;
}
