import { listObjects } from './list-objects.ts';
import { readSmall } from './payload.ts';
import { type S3Context, sendEmpty, sendXml } from './s3-context.ts';
import { S3Error } from './s3-error.ts';
import { toBinary } from './s3-request.ts';
import { type XmlElement, xmlDocument, xmlElements, xmlText } from './xml.ts';

const maxDeletes = 1000;
const maxXmlBytes = 4 * 1024 ** 2;

/** ListBuckets. */
export async function listBuckets({ response, files }: S3Context): Promise<void> {
  const buckets = await files.listBuckets();
  const elements = buckets.map(
    ({ name, created }): XmlElement => [
      'Bucket',
      [
        ['Name', name],
        ['CreationDate', created.toISOString()],
      ],
    ],
  );
  sendXml(response, xmlDocument('ListAllMyBucketsResult', [['Buckets', elements]]));
}

/** CreateBucket; a location in the body is of no consequence here. */
export async function createBucket({ request, response, files }: S3Context): Promise<void> {
  if (!(await files.createBucket(request.bucket))) {
    throw new S3Error('BucketAlreadyOwnedByYou', 'The bucket exists already.');
  }
  sendEmpty(response, 200, { location: `/${request.bucket}` });
}

/** HeadBucket. */
export async function headBucket({ request, response, files }: S3Context): Promise<void> {
  files.bucketFolder(request.bucket);
  sendEmpty(response, 200);
}

/** ListObjectsV2. */
export async function listBucket({ request, response, files }: S3Context): Promise<void> {
  if (request.query.get('list-type') !== '2') {
    throw new S3Error('NotImplemented', 'Only list-type=2 is supported.');
  }
  sendXml(response, await listObjects(files, request));
}

/** DeleteObjects. */
export async function deleteObjects({
  request,
  response,
  files,
  payload,
}: S3Context): Promise<void> {
  const xml = await readSmall(payload(), maxXmlBytes);
  const keys = xmlElements(xml, 'Object').map((object) => xmlText(object, 'Key'));
  if (keys.length === 0 || keys.length > maxDeletes) {
    throw new S3Error('MalformedXML', `There must be from 1 to ${maxDeletes} keys.`);
  }
  const deleted: XmlElement[] = [];
  for (const key of keys) {
    if (!key) throw new S3Error('MalformedXML', 'A key is empty.');
    await files.delete(request.bucket, toBinary(key));
    deleted.push(['Deleted', [['Key', key]]]);
  }
  const quiet = xmlText(xml, 'Quiet') === 'true';
  sendXml(response, xmlDocument('DeleteResult', quiet ? [] : deleted));
}
