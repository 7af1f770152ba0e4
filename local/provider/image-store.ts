import { randomBytes } from 'node:crypto';
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { CloudError, errorMessage } from '#shared/errors.ts';
import { type ImageConfig, readImageConfig, readManifest, runtimeLabel } from './image-config.ts';
import { unpackLayer } from './unpack-layer.ts';

/** Where images come from. */
export interface ImageSource {
  /** The digest behind a reference; `undefined` if the registry does not have it. */
  manifestDigest(reference: string): Promise<string | undefined>;
  pullManifest(reference: string, digest: string): Promise<string>;
  /** The blob's bytes; fails at the end if they are not what the digest says. */
  pullBlob(reference: string, digest: string): Promise<Readable>;
}

/** An image on disk, ready to run. */
export interface LocalImage {
  readonly digest: string;
  /** The folder that is its `/`. Never written to. */
  readonly root: string;
  readonly config: ImageConfig;
}

/** Images, pulled and unpacked once per digest. */
export interface ImageStore {
  /** @throws CloudError `OFC_DEPLOY_FAILED`. */
  get(reference: string): Promise<LocalImage>;
  /** Deletes images that are not in `used` and were not asked for within `keepMs`. */
  prune(used: ReadonlySet<string>, keepMs: number): Promise<void>;
}

const limits = { bytes: 2 * 2 ** 30, entries: 200_000 };

/** An {@link ImageStore} in `folder`, one sub-folder per digest. */
export function createImageStore(folder: string, source: ImageSource): ImageStore {
  const pulls = new Map<string, Promise<LocalImage>>();

  const pull = async (reference: string, digest: string): Promise<LocalImage> => {
    const home = join(folder, digest.replace(':', '-'));
    const known = await readFile(join(home, 'config.json'), 'utf8').catch(() => undefined);
    if (known === undefined) await unpackImage(source, reference, digest, home);
    await utimes(home, new Date(), new Date());
    const config = readImageConfig(known ?? (await readFile(join(home, 'config.json'), 'utf8')));
    return { digest, root: join(home, 'root'), config };
  };

  return {
    async get(reference) {
      try {
        const digest = await source.manifestDigest(reference);
        if (digest === undefined || !/^sha256:[0-9a-f]{64}$/.test(digest)) {
          throw new CloudError('OFC_DEPLOY_FAILED', `The image ${reference} does not exist.`);
        }
        const running = pulls.get(digest);
        if (running !== undefined) return await running;
        const started = pull(reference, digest).finally(() => pulls.delete(digest));
        pulls.set(digest, started);
        return await started;
      } catch (error) {
        if (error instanceof CloudError && error.code === 'OFC_DEPLOY_FAILED') throw error;
        throw new CloudError(
          'OFC_DEPLOY_FAILED',
          `The image ${reference} could not be pulled: ${errorMessage(error)}`,
          { cause: error },
        );
      }
    },
    async prune(used, keepMs) {
      for (const name of await readdir(folder).catch(() => [])) {
        const digest = name.replace('-', ':');
        const home = join(folder, name);
        const { mtimeMs } = await stat(home);
        if (used.has(digest) || pulls.has(digest) || Date.now() - mtimeMs < keepMs) continue;
        await rm(home, { recursive: true, force: true });
      }
    },
  };
}

async function unpackImage(
  source: ImageSource,
  reference: string,
  digest: string,
  home: string,
): Promise<void> {
  let manifest = readManifest(await source.pullManifest(reference, digest));
  if ('digest' in manifest) {
    manifest = readManifest(await source.pullManifest(reference, manifest.digest));
  }
  if ('digest' in manifest) {
    throw new CloudError('OFC_DEPLOY_FAILED', 'The image is an index of indexes.');
  }
  const config = await text(await source.pullBlob(reference, manifest.config.digest));
  const { labels, command } = readImageConfig(config);
  if (labels[runtimeLabel] !== 'node' || command[0] !== 'node') {
    throw new CloudError(
      'OFC_DEPLOY_FAILED',
      `The image ${reference} needs a container engine: it was not built by the embedded builder.`,
      { hint: 'Use lang: node-ts (or node18, node20, node22), or deploy to faasd or Kubernetes.' },
    );
  }
  const work = `${home}.${randomBytes(6).toString('hex')}.tmp`;
  const root = join(work, 'root');
  try {
    await mkdir(root, { recursive: true, mode: 0o755 });
    for (const layer of manifest.layers) {
      const kind = /tar(?:[.+](gzip|zstd))?$/.exec(layer.mediaType);
      if (kind === null || kind[1] === 'zstd') {
        throw new CloudError(
          'OFC_DEPLOY_FAILED',
          `The image has a layer of type ${layer.mediaType}; only tar and gzip are known here.`,
        );
      }
      const gzip = kind[1] === 'gzip';
      await unpackLayer(await source.pullBlob(reference, layer.digest), { root, gzip, limits });
    }
    await writeFile(join(work, 'config.json'), config);
    await rename(work, home);
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    // Another process of the same machine may have been faster.
    if (await lstat(home).catch(() => undefined)) return;
    throw error;
  }
}
