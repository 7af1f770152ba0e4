import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { runtimeLabel } from '../provider/image-config.ts';
import { type LayerEntry, packLayer } from './pack-layer.ts';

const compress = promisify(gzip);

/** A blob of an image. */
export interface ImageBlob {
  readonly digest: string;
  readonly content: Buffer;
}

/** An OCI image of one layer, ready to push. */
export interface FunctionImage {
  readonly layer: ImageBlob;
  readonly config: ImageBlob;
  readonly manifest: ImageBlob;
}

/** Media type of {@link FunctionImage.manifest}. */
export const manifestType = 'application/vnd.oci.image.manifest.v1+json';

const workingDir = 'home/app';

// What the official templates set in their Dockerfiles.
const environment = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'NODE_ENV=production',
  'mode=http',
  'fprocess=node index.mjs',
  'exec_timeout=10s',
  'read_timeout=15s',
  'write_timeout=15s',
];

/** A folder on disk and its place below the working directory of the image. */
export interface ImagePart {
  readonly folder: string;
  readonly at: string;
}

/**
 * Makes the image of `parts`: index.mjs and what it needs beside it. There is no Node in it; the
 * label {@link runtimeLabel} says so. The same files give the same digest. Links are left out: npm
 * makes them for commands only.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/manifest.md
 */
export async function makeFunctionImage(
  parts: readonly ImagePart[],
  labels: Readonly<Record<string, string>>,
): Promise<FunctionImage> {
  const entries: LayerEntry[] = [{ path: 'home' }, { path: workingDir }];
  for (const { folder, at } of parts) {
    const path = posix.join(workingDir, at);
    if (path !== workingDir) entries.push({ path });
    await collect(folder, path, entries);
  }
  const tar = await packLayer(entries);
  // It travels on this machine alone: the time counts, not the size.
  const layer = toBlob(await compress(tar, { level: 1 }));
  const config = toBlob(
    JSON.stringify({
      created: '1970-01-01T00:00:00Z',
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: {
        User: '12000',
        Env: environment,
        WorkingDir: `/${workingDir}`,
        Cmd: ['node', 'index.mjs'],
        Labels: sorted({ ...labels, [runtimeLabel]: 'node' }),
      },
      rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
    }),
  );
  const describe = (mediaType: string, { digest, content }: ImageBlob) => ({
    mediaType: `application/vnd.oci.image.${mediaType}`,
    digest,
    size: content.length,
  });
  const manifest = toBlob(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: describe('config.v1+json', config),
      layers: [describe('layer.v1.tar+gzip', layer)],
    }),
  );
  return { layer, config, manifest };
}

async function collect(folder: string, path: string, entries: LayerEntry[]): Promise<void> {
  const names = await readdir(folder);
  for (const name of names.sort()) {
    const source = join(folder, name);
    const target = `${path}/${name}`;
    const found = await lstat(source);
    if (found.isDirectory()) {
      entries.push({ path: target });
      await collect(source, target, entries);
    } else if (found.isFile()) {
      const executable = (found.mode & 0o111) !== 0;
      entries.push({ path: target, content: await readFile(source), executable });
    }
  }
}

function toBlob(content: Buffer | string): ImageBlob {
  const bytes = Buffer.from(content);
  return { digest: digestOf(bytes), content: bytes };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function sorted(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
