import type Docker from 'dockerode';
import type { AuthConfig } from 'dockerode';
import { CloudError, errorMessage } from '#shared/errors.ts';
import {
  formatImageReference,
  parseImageReference,
  withDigest,
} from '#shared/registry/image-reference.ts';
import { type ContainerEngine, engineStatus } from './container-engine.ts';
import type { PoolImage } from './function-pool.ts';

/** Credentials for a registry's host; `undefined` if there are none. */
export type PullCredentials = (
  host: string,
) => { readonly username: string; readonly password: string } | undefined;

/** An image in an engine. */
export interface ContainerImage extends PoolImage {
  /** Its name with the digest, without a tag. */
  readonly name: string;
}

/** The images that functions are started from. */
export interface ContainerImages {
  /** @throws CloudError `OFC_DEPLOY_FAILED` if it cannot be had. */
  get(reference: string, restored: boolean): Promise<ContainerImage>;
  /** Pulls it if it is not in the engine. @throws CloudError `OFC_DEPLOY_FAILED`. */
  ensure(image: ContainerImage): Promise<void>;
  /** Deletes images that were asked for and are not in `used`. */
  prune(used: ReadonlySet<string>): Promise<void>;
}

/** {@link ContainerImages} of an engine. What has a digest already is never looked up again. */
export function createContainerImages(
  { docker }: ContainerEngine,
  credentials: PullCredentials,
): ContainerImages {
  const pulls = new Map<string, Promise<void>>();
  const seen = new Map<string, ContainerImage>();

  const pull = async (name: string): Promise<void> => {
    const { host } = parseImageReference(name);
    const known = credentials(host);
    await pullImage(docker, name, undefined, known && { ...known, serveraddress: host });
  };
  const fetch = async (name: string): Promise<void> => {
    try {
      const running = pulls.get(name) ?? pull(name).finally(() => pulls.delete(name));
      pulls.set(name, running);
      await running;
    } catch (error) {
      throw new CloudError(
        'OFC_DEPLOY_FAILED',
        `The image ${name} could not be pulled: ${errorMessage(error)}`,
        { cause: error },
      );
    }
  };
  /** What a tag means now: the digest of what was pulled. */
  const resolve = async (reference: string): Promise<ContainerImage> => {
    const parsed = parseImageReference(reference);
    const name = formatImageReference(parsed);
    await fetch(name);
    const { RepoDigests: names } = await docker.getImage(name).inspect();
    const found = names?.map((text) => text.split('@')[1]).find((text) => text !== undefined);
    if (found === undefined) {
      throw new CloudError('OFC_DEPLOY_FAILED', `The image ${reference} is in no registry.`);
    }
    return { name: formatImageReference(withDigest(parsed, found)), digest: found };
  };

  return {
    async get(reference, restored) {
      const parsed = parseImageReference(reference);
      const { digest } = parsed;
      if (digest === undefined) return resolve(reference);
      const image = { name: formatImageReference(withDigest(parsed, digest)), digest };
      if (!restored) await fetch(image.name);
      return image;
    },
    async ensure(image) {
      seen.set(image.digest, image);
      await fetch(image.name);
    },
    async prune(used) {
      for (const [digest, { name }] of seen) {
        if (used.has(digest)) continue;
        seen.delete(digest);
        // By its id, so that tags of the build go too. One in use, by whomever, stays.
        const found = await docker
          .getImage(name)
          .inspect()
          .catch(() => undefined);
        await docker
          .getImage(found?.Id ?? name)
          .remove({ force: true })
          .catch(() => undefined);
      }
    },
  };
}

/**
 * Pulls an image unless it is in the engine.
 *
 * @throws Error with the engine's text.
 */
export async function pullImage(
  docker: Docker,
  name: string,
  abortSignal?: AbortSignal,
  authconfig?: AuthConfig,
): Promise<void> {
  try {
    await docker.getImage(name).inspect();
    return;
  } catch (error) {
    if (engineStatus(error) !== 404) throw error;
  }
  const options = { ...(authconfig && { authconfig }), ...(abortSignal && { abortSignal }) };
  const progress = await docker.pull(name, options);
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(progress, (error, events: { error?: string }[] = []) => {
      // The engine answers 200 first and tells of a failure later.
      const failed = events.find((event) => event.error !== undefined);
      if (error) reject(error);
      else if (failed !== undefined) reject(new Error(failed.error));
      else resolve();
    });
  });
}
