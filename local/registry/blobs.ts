import { createReadStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { isDigest, isRepositoryName } from '#shared/registry/image-reference.ts';
import { RegistryError } from './registry-error.ts';
import { answer, type RegistryContext } from './registry-request.ts';

/** GET and HEAD of a blob, with a range of bytes. */
export async function readBlob(context: RegistryContext): Promise<void> {
  const { message, response, files, repository, reference } = context;
  const digest = checkDigest(reference);
  const size = await files.blobSize(repository, digest);
  if (size === undefined) throw new RegistryError('BLOB_UNKNOWN', 'The blob is not known here.');
  const range = readRange(message.headers.range, size);
  const { start, end } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': end + 1 - start,
    'accept-ranges': 'bytes',
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
  });
  if (message.method === 'HEAD' || size === 0) response.end();
  else
    await pipeline(createReadStream(files.blobPath(repository, digest), { start, end }), response);
}

/** DELETE of a blob, from this repository alone. */
export async function deleteBlob(context: RegistryContext): Promise<void> {
  const { response, files, repository, reference } = context;
  if (!(await files.deleteBlob(repository, checkDigest(reference)))) {
    throw new RegistryError('BLOB_UNKNOWN', 'The blob is not known here.');
  }
  answer(response, 202);
}

/** POST: mounts a blob of another repository, takes a whole blob, or starts an upload. */
export async function startUpload(context: RegistryContext): Promise<void> {
  const { message, response, files, uploads, repository, query } = context;
  const mount = query.get('mount');
  const from = query.get('from');
  if (mount !== null && from !== null && isRepositoryName(from)) {
    if (await files.mountBlob(repository, checkDigest(mount), from)) {
      created(context, mount);
      return;
    }
  }
  const digest = query.get('digest');
  if (digest !== null) checkDigest(digest);
  const id = await uploads.start(repository);
  if (digest === null) {
    answer(response, 202, uploadHeaders(repository, id, 0));
    return;
  }
  try {
    await uploads.append(repository, id, bodyOf(message));
  } catch (error) {
    await uploads.cancel(repository, id);
    throw error;
  }
  await uploads.finish(repository, id, digest);
  created(context, digest);
}

/** PATCH: the next bytes of an upload. */
export async function appendUpload(context: RegistryContext): Promise<void> {
  const { response, repository, reference } = context;
  const size = await append(context);
  answer(response, 202, uploadHeaders(repository, reference, size));
}

/** PUT: the last bytes, if any, and the digest of the whole. */
export async function finishUpload(context: RegistryContext): Promise<void> {
  const { uploads, repository, reference, query } = context;
  const digest = checkDigest(query.get('digest') ?? '');
  await append(context);
  await uploads.finish(repository, reference, digest);
  created(context, digest);
}

/** GET: how far an upload is. */
export async function uploadStatus(context: RegistryContext): Promise<void> {
  const { response, uploads, repository, reference } = context;
  const size = uploads.size(repository, reference);
  answer(response, 204, uploadHeaders(repository, reference, size));
}

/** DELETE: drops an upload. */
export async function cancelUpload(context: RegistryContext): Promise<void> {
  const { response, uploads, repository, reference } = context;
  await uploads.cancel(repository, reference);
  answer(response, 204);
}

/**
 * Checks a digest that came from outside.
 *
 * @throws RegistryError `DIGEST_INVALID`
 */
export function checkDigest(text: string): string {
  if (isDigest(text)) return text;
  throw new RegistryError('DIGEST_INVALID', 'A digest is sha256: and 64 lower-case hex digits.');
}

function append({ message, uploads, repository, reference }: RegistryContext): Promise<number> {
  const start = /^(?:bytes )?(\d+)-\d+/.exec(message.headers['content-range'] ?? '')?.[1];
  const size = uploads.size(repository, reference);
  if (start !== undefined && Number(start) !== size) {
    throw new RegistryError(
      'RANGE_INVALID',
      `The upload continues at byte ${size}.`,
      uploadHeaders(repository, reference, size),
    );
  }
  return uploads.append(repository, reference, bodyOf(message));
}

/** A refusal must not close the connection on which its answer has to go. */
function bodyOf(message: IncomingMessage): AsyncIterable<Buffer> {
  return message.iterator({ destroyOnReturn: false });
}

function created({ response, repository }: RegistryContext, digest: string): void {
  answer(response, 201, {
    location: `/v2/${repository}/blobs/${digest}`,
    'docker-content-digest': digest,
  });
}

function uploadHeaders(repository: string, id: string, size: number): Record<string, string> {
  return {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    'docker-upload-uuid': id,
    range: `0-${Math.max(0, size - 1)}`,
  };
}

function readRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | undefined {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === undefined) return undefined;
  const start = Number(from);
  const end = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (start > end) throw new RegistryError('RANGE_INVALID', 'The range cannot be satisfied.');
  return { start, end };
}
