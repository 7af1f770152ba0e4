import { Readable } from 'node:stream';
import { parseImageReference, withTag } from '#shared/registry/image-reference.ts';
import type { RegistryClient } from '#shared/registry/registry-client.ts';
import { type FunctionImage, manifestType } from './function-image.ts';

/**
 * Pushes what the registry does not have yet, the manifest last.
 *
 * @returns the manifest's digest.
 */
export async function pushImage(
  registry: RegistryClient,
  image: string,
  { layer, config, manifest }: FunctionImage,
): Promise<string> {
  const named = parseImageReference(image);
  // As Docker does: no tag means latest.
  const bare = named.tag === undefined && named.digest === undefined;
  const reference = bare ? withTag(named, 'latest') : named;
  await Promise.all(
    [layer, config].map(({ digest, content }) =>
      registry.pushBlob(reference, digest, content.length, () => Readable.from([content])),
    ),
  );
  return registry.pushManifest(reference, manifestType, manifest.content);
}
