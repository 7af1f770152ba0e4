import { createHash } from 'node:crypto';
import { isDigest, isTag } from '#shared/registry/image-reference.ts';
import { checkDigest } from './blobs.ts';
import { type Manifest, parseManifest } from './manifest.ts';
import { RegistryError } from './registry-error.ts';
import { answer, answerBody, type RegistryContext } from './registry-request.ts';

const maxManifestBytes = 4 * 1024 ** 2;
const indexType = 'application/vnd.oci.image.index.v1+json';

/** GET and HEAD of a manifest, by tag or digest. */
export async function readManifest(context: RegistryContext): Promise<void> {
  const { files, repository } = context;
  const digest = await resolve(context);
  const found = await files.readManifest(repository, digest);
  if (found === undefined) throw unknownManifest();
  answerBody(context, found.body, {
    'content-type': found.mediaType,
    'docker-content-digest': digest,
    etag: `"${digest}"`,
  });
}

/** PUT of a manifest: everything that it refers to must be there. */
export async function putManifest(context: RegistryContext): Promise<void> {
  const { message, response, files, repository, reference } = context;
  if (!isTag(reference)) checkDigest(reference);
  const body = await readBody(context);
  const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
  if (isDigest(reference) && reference !== digest) {
    throw new RegistryError('DIGEST_INVALID', 'The manifest does not have the given digest.');
  }
  const mediaType = (message.headers['content-type'] ?? '').split(';', 1)[0]?.trim() ?? '';
  const manifest = parseManifest(mediaType, body);
  await checkReferences(context, manifest);
  await files.writeManifest(repository, digest, mediaType, body);
  const { subject } = manifest;
  if (subject !== undefined) await files.addReferrer(repository, subject, digest);
  if (isTag(reference)) await files.writeTag(repository, reference, digest);
  answer(response, 201, {
    location: `/v2/${repository}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(subject === undefined ? {} : { 'oci-subject': subject }),
  });
}

/** DELETE of a tag, or of a manifest with all tags that point at it. */
export async function deleteManifest(context: RegistryContext): Promise<void> {
  const { response, files, repository, reference } = context;
  if (!isDigest(reference)) {
    if (!isTag(reference) || !(await files.deleteTag(repository, reference))) {
      throw unknownManifest();
    }
    answer(response, 202);
    return;
  }
  const found = await files.readManifest(repository, reference);
  if (found === undefined) throw unknownManifest();
  for (const tag of (await files.tags(repository)) ?? []) {
    if ((await files.readTag(repository, tag)) === reference) {
      await files.deleteTag(repository, tag);
    }
  }
  await files.deleteManifest(repository, reference);
  const { subject } = parseManifest(found.mediaType, found.body);
  if (subject !== undefined) await files.removeReferrer(repository, subject, reference);
  answer(response, 202);
}

/** The manifests that name this one as their subject, as an index. */
export async function listReferrers(context: RegistryContext): Promise<void> {
  const { files, repository, reference, query } = context;
  const wanted = query.get('artifactType');
  const manifests: object[] = [];
  for (const digest of await files.referrers(repository, checkDigest(reference))) {
    const found = await files.readManifest(repository, digest);
    if (found === undefined) continue;
    const { mediaType, body } = found;
    const { artifactType, annotations } = parseManifest(mediaType, body);
    if (wanted !== null && wanted !== artifactType) continue;
    manifests.push({ mediaType, digest, size: body.length, artifactType, annotations });
  }
  const index = { schemaVersion: 2, mediaType: indexType, manifests };
  answerBody(context, Buffer.from(JSON.stringify(index)), {
    'content-type': indexType,
    ...(wanted === null ? {} : { 'oci-filters-applied': 'artifactType' }),
  });
}

async function resolve({ files, repository, reference }: RegistryContext): Promise<string> {
  if (isDigest(reference)) return reference;
  const digest = isTag(reference) ? await files.readTag(repository, reference) : undefined;
  if (digest === undefined) throw unknownManifest();
  return digest;
}

async function checkReferences(
  { files, repository }: RegistryContext,
  { blobs, children }: Manifest,
): Promise<void> {
  const hasBlob = async (digest: string) =>
    (await files.blobSize(repository, digest)) !== undefined;
  for (const digest of blobs) if (!(await hasBlob(digest))) throw missing(digest);
  for (const digest of children) {
    const there = (await files.readManifest(repository, digest)) ?? (await hasBlob(digest));
    if (!there) throw missing(digest);
  }
}

function missing(digest: string): RegistryError {
  return new RegistryError('MANIFEST_BLOB_UNKNOWN', `${digest} was not pushed to this repository.`);
}

async function readBody({ message }: RegistryContext): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > maxManifestBytes) {
      throw new RegistryError('SIZE_INVALID', `A manifest has at most ${maxManifestBytes} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function unknownManifest(): RegistryError {
  return new RegistryError('MANIFEST_UNKNOWN', 'The manifest is not known here.');
}
