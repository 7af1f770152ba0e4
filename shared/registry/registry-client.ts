import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { CloudError } from '#shared/errors.ts';
import { exactSize } from '#shared/object-store/exact-size.ts';
import { type ImageReference, isDigest } from './image-reference.ts';
import type { RegistryCredentials } from './registry-auth.ts';
import { readAnswer } from './registry-http.ts';
import { discard, type RegistryRequest, RegistrySession, refused } from './registry-session.ts';
import { verifiedBytes } from './verified-bytes.ts';

/** How to log in; a host without credentials is used anonymously. */
export interface RegistryClientOptions {
  readonly credentials?: ((host: string) => RegistryCredentials | undefined) | undefined;
}

/** A manifest with the exact bytes that its digest covers. */
export interface PulledManifest {
  readonly mediaType: string;
  readonly digest: string;
  readonly body: Buffer;
}

/**
 * What the platform asks of an image registry. Errors: `OFC_UPSTREAM`, `OFC_TIMEOUT`, `OFC_BUSY`,
 * `OFC_CONFIG` (credentials), `OFC_NOT_FOUND`, `OFC_TOO_LARGE`.
 */
export interface RegistryClient {
  /** The digest at which the reference points; `undefined` if there is no such image. */
  manifestDigest(reference: ImageReference): Promise<string | undefined>;
  /** The manifest or index, checked against its digest; `undefined` if there is no such image. */
  pullManifest(reference: ImageReference): Promise<PulledManifest | undefined>;
  /** A blob; the stream fails at its end if the digest is wrong, or over `maxBytes`. */
  pullBlob(
    reference: ImageReference,
    digest: string,
    options: { readonly maxBytes: number },
  ): Promise<Readable>;
  /**
   * Uploads a blob unless it is there. `open` gives the content from its start, and may be called
   * again. `mountFrom` is another repository of the registry that may have the blob.
   */
  pushBlob(
    reference: ImageReference,
    digest: string,
    size: number,
    open: () => Readable,
    options?: { readonly mountFrom?: string | undefined },
  ): Promise<void>;
  /** Writes a manifest under the reference's tag, or under its digest if it has none, and gives the digest. */
  pushManifest(reference: ImageReference, mediaType: string, body: Buffer): Promise<string>;
}

const accept = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');
const maxManifestBytes = 4 * 1024 ** 2;

/**
 * Makes a client of the OCI distribution API. Loopback registries are spoken to in plain HTTP, all
 * others over HTTPS.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
export function createRegistryClient({ credentials }: RegistryClientOptions = {}): RegistryClient {
  const session = new RegistrySession(credentials ?? (() => undefined));

  const read = (reference: ImageReference, method: 'GET' | 'HEAD', target: string) =>
    session.request({
      method,
      target,
      reference,
      scope: `repository:${reference.repository}:pull`,
      headers: { accept },
    });

  async function pullManifest(reference: ImageReference): Promise<PulledManifest | undefined> {
    const answer = await read(reference, 'GET', manifestPath(reference));
    if (answer.statusCode === 404) {
      discard(answer);
      return undefined;
    }
    if (answer.statusCode !== 200) throw await refused(answer, 'give the manifest', reference);
    const body = await readAnswer(answer, maxManifestBytes);
    const digest = sha256(body);
    const expected = reference.digest ?? answer.headers['docker-content-digest'] ?? digest;
    if (expected !== digest) throw wrongDigest(reference, 'manifest');
    const mediaType = answer.headers['content-type']?.split(';', 1)[0]?.trim() ?? '';
    return { mediaType, digest, body };
  }

  return {
    pullManifest,

    manifestDigest: async (reference) => {
      const answer = await read(reference, 'HEAD', manifestPath(reference));
      discard(answer);
      if (answer.statusCode === 404) return undefined;
      if (answer.statusCode !== 200) throw await refused(answer, 'show the manifest', reference);
      const digest = answer.headers['docker-content-digest'];
      if (typeof digest === 'string' && isDigest(digest)) return digest;
      return (await pullManifest(reference))?.digest;
    },

    pullBlob: async (reference, digest, { maxBytes }) => {
      requireDigest(digest);
      const answer = await read(reference, 'GET', `blobs/${digest}`);
      if (answer.statusCode !== 200) throw await refused(answer, 'give a layer', reference);
      return Readable.from(verifiedBytes(answer, digest, maxBytes), { objectMode: false });
    },

    pushBlob: async (reference, digest, size, open, { mountFrom } = {}) => {
      requireDigest(digest);
      const { repository } = reference;
      const write = `repository:${repository}:pull,push`;
      const scope = mountFrom === undefined ? write : `${write} repository:${mountFrom}:pull`;
      const send = (request: Omit<RegistryRequest, 'reference' | 'scope'>) =>
        session.request({ reference, scope, ...request });

      const head = await send({ method: 'HEAD', target: `blobs/${digest}` });
      discard(head);
      if (head.statusCode === 200) return;

      const mount =
        mountFrom === undefined
          ? ''
          : `?${new URLSearchParams({ mount: digest, from: mountFrom })}`;
      const started = await send({
        method: 'POST',
        target: `blobs/uploads/${mount}`,
        body: nothing,
      });
      if (started.statusCode === 201) {
        discard(started);
        return;
      }
      const { location } = started.headers;
      if (started.statusCode !== 202 || location === undefined) {
        throw await refused(started, 'take a layer', reference);
      }
      discard(started);
      const ended = await send({
        method: 'PUT',
        target: withDigestQuery(location, digest),
        headers: { 'content-type': 'application/octet-stream' },
        body: { size, open: () => Readable.from(exactSize(open(), size), { objectMode: false }) },
      });
      if (ended.statusCode !== 201) throw await refused(ended, 'take a layer', reference);
      discard(ended);
    },

    pushManifest: async (reference, mediaType, body) => {
      const digest = sha256(body);
      const name = reference.tag ?? reference.digest ?? digest;
      if (reference.digest !== undefined && reference.digest !== digest) {
        throw wrongDigest(reference, 'manifest');
      }
      const answer = await session.request({
        method: 'PUT',
        target: `manifests/${name}`,
        reference,
        scope: `repository:${reference.repository}:pull,push`,
        headers: { 'content-type': mediaType },
        body: { size: body.length, open: () => Readable.from([body]) },
      });
      if (answer.statusCode !== 201) throw await refused(answer, 'take the manifest', reference);
      discard(answer);
      return digest;
    },
  };
}

const nothing = { size: 0, open: () => Readable.from([]) };

function manifestPath({ tag, digest }: ImageReference): string {
  return `manifests/${digest ?? tag ?? 'latest'}`;
}

/** The upload's address may have a query of its own, which is kept as it is. */
function withDigestQuery(location: string, digest: string): string {
  return `${location}${location.includes('?') ? '&' : '?'}digest=${encodeURIComponent(digest)}`;
}

function requireDigest(digest: string): void {
  if (isDigest(digest)) return;
  throw new CloudError('OFC_BAD_REQUEST', 'A digest is sha256: and 64 lower-case hex digits.');
}

function wrongDigest({ host, repository }: ImageReference, what: string): CloudError {
  return new CloudError('OFC_UPSTREAM', `A ${what} of ${host}/${repository} has the wrong digest.`);
}

function sha256(body: Buffer): string {
  return `sha256:${createHash('sha256').update(body).digest('hex')}`;
}
