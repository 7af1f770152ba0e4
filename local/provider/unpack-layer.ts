import { link, lstat, mkdir, open, readdir, rm, symlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { CloudError } from '#shared/errors.ts';
import { isEntrySize } from '#shared/tar/is-entry-size.ts';

/** What a layer may add up to once unpacked. */
export interface UnpackLimits {
  readonly bytes: number;
  readonly entries: number;
}

/**
 * Unpacks one layer over the ones before it: files, folders, links inside the root, whiteouts and
 * opaque folders. Owners and times are dropped, modes kept without set-id bits.
 *
 * @param root The folder that stands for `/`.
 * @throws CloudError `OFC_DEPLOY_FAILED` for anything that points or writes outside of `root`,
 *   device files, and a layer over its limits.
 * @see https://github.com/opencontainers/image-spec/blob/main/layer.md
 */
export async function unpackLayer(
  layer: Readable,
  { root, gzip, limits }: { root: string; gzip: boolean; limits: UnpackLimits },
): Promise<void> {
  const archive = extract();
  const unpacking = (async () => {
    let entries = 0;
    let bytes = 0;
    // Whiteouts hide what lower layers brought, never what this one brings.
    const own = new Set<string>();
    for await (const entry of archive) {
      const { name, size } = entry.header;
      if (!isEntrySize(size)) throw refused(`the size of the entry "${name}" cannot be read`);
      entries += 1;
      bytes += size;
      if (entries > limits.entries || bytes > limits.bytes) {
        throw refused(`it is over ${limits.entries} files or ${limits.bytes} bytes`);
      }
      await unpackEntry(entry.header, entry as AsyncIterable<Buffer>, root, own);
      entry.resume();
    }
  })();
  const steps = gzip ? [layer, createGunzip(), archive] : [layer, archive];
  const [fed, unpacked] = await Promise.allSettled([
    pipeline(steps),
    unpacking.catch((error: unknown) => {
      archive.destroy();
      throw error;
    }),
  ]);
  if (unpacked.status === 'rejected' && unpacked.reason instanceof CloudError)
    throw unpacked.reason;
  for (const end of [fed, unpacked]) if (end.status === 'rejected') throw end.reason;
}

async function unpackEntry(
  header: Header,
  body: AsyncIterable<Buffer>,
  root: string,
  own: Set<string>,
): Promise<void> {
  const path = insideRoot(header.name);
  if (path === '') return;
  const name = posix.basename(path);
  const folder = posix.dirname(path);
  await makeFolders(root, folder === '.' ? '' : folder);

  if (name === '.wh..wh..opq') {
    for (const child of await readdir(join(root, folder))) {
      if (!own.has(posix.join(folder, child))) {
        await rm(join(root, folder, child), { recursive: true, force: true });
      }
    }
    return;
  }
  if (name.startsWith('.wh.')) {
    const hidden = name.slice('.wh.'.length);
    if (hidden === '' || hidden === '.' || hidden === '..') throw refused(`of the entry "${path}"`);
    await rm(join(root, folder, hidden), { recursive: true, force: true });
    return;
  }
  for (let part = path; part !== '.'; part = posix.dirname(part)) own.add(part);

  const target = join(root, path);
  const mode = header.mode & 0o777;
  const present = await lstat(target).catch(() => undefined);
  if (present !== undefined && !(present.isDirectory() && header.type === 'directory')) {
    await rm(target, { recursive: true, force: true });
  }
  switch (header.type) {
    case 'directory':
      // The owner must be able to delete it again.
      await mkdir(target, { recursive: true, mode: mode | 0o700 });
      return;
    case 'file':
    case 'contiguous-file':
      await writeNewFile(target, mode | 0o400, body);
      return;
    case 'symlink': {
      const to = header.linkname;
      // `..` only at the front: after a name that is a link itself it could lead anywhere.
      const climbs = /(?:^|\/)(?!\.\.\/)[^/]+\/(?:.*\/)?\.\.(?:\/|$)/.test(to);
      const outside = posix.join(folder, to).split('/')[0] === '..';
      if (to === '' || posix.isAbsolute(to) || climbs || outside) {
        throw refused(`the link "${path}" leaves it`);
      }
      await symlink(to, target);
      return;
    }
    case 'link': {
      const source = insideRoot(header.linkname);
      await makeFolders(root, posix.dirname(source) === '.' ? '' : posix.dirname(source));
      const stat = await lstat(join(root, source)).catch(() => undefined);
      if (!stat?.isFile()) throw refused(`the hard link "${path}" has no file to link to`);
      await link(join(root, source), target);
      return;
    }
    default:
      throw refused(`"${path}" is a ${header.type}`);
  }
}

async function writeNewFile(
  path: string,
  mode: number,
  body: AsyncIterable<Buffer>,
): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    for await (const chunk of body) await file.write(chunk);
  } finally {
    await file.close();
  }
}

/** Makes each folder of `path`, refusing to walk through a link that an earlier entry made. */
async function makeFolders(root: string, path: string): Promise<void> {
  let at = root;
  for (const part of path.split('/')) {
    if (part === '') continue;
    at = join(at, part);
    const stat = await lstat(at).catch(() => undefined);
    if (stat === undefined) await mkdir(at, { mode: 0o755 });
    else if (!stat.isDirectory()) throw refused(`"${path}" goes through a link or a file`);
  }
}

/** A path of the archive, relative to the root, without `.` parts. */
function insideRoot(name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0')) throw refused(`"${name}" leaves it`);
  return parts.join('/');
}

function refused(why: string): CloudError {
  return new CloudError('OFC_DEPLOY_FAILED', `A layer of the image was refused: ${why}.`);
}
