import { CloudError } from '#shared/errors.ts';
import {
  type ImageReference,
  parseImageReference,
  withDigest,
} from '#shared/registry/image-reference.ts';
import type { RegistryClient } from '#shared/registry/registry-client.ts';
import type { ImageSource } from './image-store.ts';

const maxBlobBytes = 2 ** 30;

/** Images from any registry. A reference with a digest is not looked up again. */
export function createRegistryImages(client: RegistryClient): ImageSource {
  return {
    async manifestDigest(reference) {
      const parsed = parseImageReference(reference);
      return parsed.digest ?? (await client.manifestDigest(parsed));
    },
    async pullManifest(reference, digest) {
      const manifest = await client.pullManifest(at(reference, digest));
      if (manifest !== undefined) return manifest.body.toString('utf8');
      throw new CloudError('OFC_DEPLOY_FAILED', `The image ${reference} does not exist.`);
    },
    pullBlob: (reference, digest) =>
      client.pullBlob(parseImageReference(reference), digest, { maxBytes: maxBlobBytes }),
  };
}

function at(reference: string, digest: string): ImageReference {
  return withDigest(parseImageReference(reference), digest);
}
