import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { Owner } from '../names.ts';
import { keyPart } from '../object-store/keys.ts';

/** The record that an image was built before. */
export const builtImageSchema = v.object({ image: v.string() });

/** Where the image of a build key is recorded. Owners share no images: registries give them rights. */
export function builtImageKey(owner: Owner, buildKey: string): string {
  return `contexts/${keyPart(owner)}/${buildKey}.json`;
}

/**
 * One digest for everything that decides what an image holds.
 *
 * @param contextDigest `sha256:…` of the build context.
 * @param repository The image's name without its tag: where it can be pulled from.
 */
export function buildKeyOf(
  contextDigest: string,
  repository: string,
  buildArgs: Readonly<Record<string, string>>,
): string {
  const args = Object.entries(buildArgs).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([contextDigest, repository, args]))
    .digest('hex');
}
