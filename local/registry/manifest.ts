import * as v from 'valibot';
import { isDigest } from '#shared/registry/image-reference.ts';
import { RegistryError } from './registry-error.ts';

const digest = v.pipe(v.string(), v.check(isDigest, 'not a SHA-256 digest'));
const descriptor = v.object({
  mediaType: v.string(),
  digest,
  urls: v.optional(v.array(v.string())),
});
const annotations = v.optional(v.nullable(v.record(v.string(), v.string())));
const manifestSchema = v.object({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.string()),
  artifactType: v.optional(v.string()),
  config: v.optional(descriptor),
  layers: v.optional(v.nullable(v.array(descriptor))),
  manifests: v.optional(v.nullable(v.array(descriptor))),
  subject: v.optional(v.nullable(descriptor)),
  annotations,
});

/** What the registry reads of a manifest. */
export interface Manifest {
  /** Blobs that the repository must have. */
  readonly blobs: readonly string[];
  /** Manifests (or, in a build cache, blobs) that it must have. */
  readonly children: readonly string[];
  readonly subject: string | undefined;
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

const image = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
const index = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

/**
 * Parses a manifest or index.
 *
 * @throws RegistryError `MANIFEST_INVALID` if it is not one, or not of the media type it came as.
 */
export function parseManifest(mediaType: string, body: Buffer): Manifest {
  const isIndex = index.includes(mediaType);
  if (!isIndex && !image.includes(mediaType)) {
    throw new RegistryError('MANIFEST_INVALID', `The media type ${mediaType} is not supported.`);
  }
  const parsed = v.safeParse(manifestSchema, parseJson(body));
  if (!parsed.success) {
    throw new RegistryError('MANIFEST_INVALID', 'The manifest does not have the right shape.');
  }
  const { config, layers, manifests, subject, ...rest } = parsed.output;
  const mixed = isIndex ? config !== undefined || layers : config === undefined || manifests;
  if (mixed || (rest.mediaType !== undefined && rest.mediaType !== mediaType)) {
    throw new RegistryError('MANIFEST_INVALID', 'The manifest is not what its media type says.');
  }
  // A layer with addresses of its own lies elsewhere.
  const stored = (layers ?? []).filter(({ urls }) => urls === undefined || urls.length === 0);
  return {
    blobs: [...(config === undefined ? [] : [config]), ...stored].map((each) => each.digest),
    children: (manifests ?? []).map((each) => each.digest),
    subject: subject?.digest,
    artifactType: rest.artifactType ?? config?.mediaType,
    annotations: rest.annotations ?? undefined,
  };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new RegistryError('MANIFEST_INVALID', 'The manifest is not JSON.');
  }
}
