import type { ListedPart } from './multipart.ts';
import { keptHeaders, onlyNew } from './object-headers.ts';
import { readSmall } from './payload.ts';
import { needQuery, type S3Context, sendEmpty, sendXml } from './s3-context.ts';
import { S3Error } from './s3-error.ts';
import { type S3Request, toText } from './s3-request.ts';
import { xmlDocument, xmlElements, xmlText } from './xml.ts';

const maxParts = 10_000;
const maxXmlBytes = 4 * 1024 ** 2;

/** CreateMultipartUpload. */
export async function createUpload({ request, response, uploads }: S3Context): Promise<void> {
  const { bucket, key } = request;
  const id = await uploads.create(bucket, key, keptHeaders(request));
  sendXml(
    response,
    xmlDocument('InitiateMultipartUploadResult', [
      ['Bucket', bucket],
      ['Key', toText(key)],
      ['UploadId', id],
    ]),
  );
}

/** UploadPart. */
export async function uploadPart({
  request,
  response,
  uploads,
  payload,
}: S3Context): Promise<void> {
  const number = partNumber(needQuery(request, 'partNumber'));
  if (onlyNew(request)) throw new S3Error('NotImplemented', 'A part cannot be conditional.');
  const meta = await uploads.putPart(uploadOf(request), number, payload().data);
  sendEmpty(response, 200, { etag: `"${meta.etag}"` });
}

/** CompleteMultipartUpload, conditional or not. */
export async function completeUpload({
  request,
  response,
  uploads,
  payload,
}: S3Context): Promise<void> {
  const xml = await readSmall(payload(), maxXmlBytes);
  const parts = xmlElements(xml, 'Part').map(
    (part): ListedPart => ({
      number: partNumber(xmlText(part, 'PartNumber') ?? ''),
      etag: (xmlText(part, 'ETag') ?? '').replaceAll('"', ''),
    }),
  );
  if (parts.length === 0) throw new S3Error('MalformedXML', 'There are no parts.');
  if (parts.some(({ number }, at) => number <= (parts[at - 1]?.number ?? 0))) {
    throw new S3Error('InvalidPartOrder', 'The parts must be listed in ascending order.');
  }
  const options = { onlyNew: onlyNew(request) };
  const meta = await uploads.complete(uploadOf(request), parts, options);
  sendXml(
    response,
    xmlDocument('CompleteMultipartUploadResult', [
      ['Bucket', request.bucket],
      ['Key', toText(request.key)],
      ['ETag', `"${meta.etag}"`],
    ]),
  );
}

/** AbortMultipartUpload. */
export async function abortUpload({ request, response, uploads }: S3Context): Promise<void> {
  await uploads.abort(uploadOf(request));
  sendEmpty(response, 204);
}

function uploadOf(request: S3Request): { bucket: string; key: string; id: string } {
  return { bucket: request.bucket, key: request.key, id: needQuery(request, 'uploadId') };
}

function partNumber(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > maxParts) {
    throw new S3Error('InvalidArgument', `A part number is from 1 to ${maxParts}.`);
  }
  return number;
}
