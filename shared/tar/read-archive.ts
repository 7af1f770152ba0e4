import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header as TarHeader } from 'tar-stream';
import { CloudError } from '../errors.ts';
import type { SourceLimits } from '../shrinkwrap/limits.ts';
import { pathProblem, quotePath } from '../shrinkwrap/path-problem.ts';
import { isEntrySize } from './is-entry-size.ts';

/** An entry of a tar that may be looked at. The content must be read before the next one is asked for. */
export type ArchiveEntry =
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly mode: number;
      readonly size: number;
      readonly content: AsyncIterable<Buffer>;
    };

/** What a header and the long-name headers before it may take. */
const headerBytes = 4096;

/**
 * Walks a tar from an untrusted sender. Every folder comes before what is in it, also where the tar does
 * not name it, and comes once.
 *
 * Refused: absolute paths, `..`, odd names (also from PAX and GNU long-name headers, which are judged as
 * the name they make), links of both kinds, devices, pipes, sparse files, a file that comes twice or is
 * also a folder, and whatever is over the limits, counted as it is read and not as a header says.
 * `body` is destroyed on refusal.
 *
 * @throws CloudError `OFC_SOURCE_REFUSED`, `OFC_TOO_LARGE`, `OFC_BAD_REQUEST` (not a tar)
 */
export async function* readArchive(
  body: Readable,
  limits: SourceLimits,
): AsyncGenerator<ArchiveEntry> {
  const archive = extract();
  const maxBytes = limits.maxTotalBytes + (limits.maxEntries + 2) * headerBytes;
  const pumping = pipeline(body, (source) => countBytes(source, maxBytes), archive);
  // The walk below reports its own refusal; what the pump says is awaited after it.
  pumping.catch(() => undefined);

  /** What the pump says (too large, the sender left) explains more than the end it put to the walk. */
  const explain = async (error: unknown): Promise<CloudError> => {
    if (error instanceof CloudError) return error;
    archive.destroy();
    const cause = await pumping.then(
      () => error,
      (reason: unknown) => reason,
    );
    if (cause instanceof CloudError) return cause;
    return new CloudError('OFC_BAD_REQUEST', 'The body is not a whole tar.', { cause });
  };

  const kinds = new Map<string, ArchiveEntry['kind']>();
  let count = 0;
  let total = 0;
  try {
    for await (const item of archive) {
      count += 1;
      if (count > limits.maxEntries) {
        throw new CloudError('OFC_TOO_LARGE', `The tar has over ${limits.maxEntries} entries.`);
      }
      const { kind, path, mode, size } = checkHeader(item.header, limits);
      if (path === '') {
        item.resume();
        continue;
      }
      for (const folder of foldersAbove(path)) {
        if (kinds.get(folder) === 'file') throw refused(folder, 'is a file and a folder');
        if (kinds.has(folder)) continue;
        kinds.set(folder, 'directory');
        yield { kind: 'directory', path: folder };
      }
      const before = kinds.get(path);
      if (before !== undefined && (before === 'file' || kind === 'file')) {
        throw refused(path, 'is there twice');
      }
      kinds.set(path, kind);
      total += size;
      if (total > limits.maxTotalBytes) {
        throw new CloudError('OFC_TOO_LARGE', `The tar is over ${limits.maxTotalBytes} bytes.`);
      }
      if (kind === 'file') yield { kind, path, mode, size, content: contentOf(item, explain) };
      else if (before === undefined) yield { kind, path };
      item.resume();
    }
    await pumping;
  } catch (error) {
    throw await explain(error);
  } finally {
    archive.destroy();
  }
}

/** The item's bytes; a broken stream is told as a broken tar, to whoever reads it. */
async function* contentOf(
  item: AsyncIterable<unknown>,
  explain: (error: unknown) => Promise<CloudError>,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of item) yield chunk as Buffer;
  } catch (error) {
    throw await explain(error);
  }
}

async function* countBytes(source: AsyncIterable<Buffer>, max: number): AsyncGenerator<Buffer> {
  let total = 0;
  for await (const chunk of source) {
    total += chunk.length;
    if (total > max) throw new CloudError('OFC_TOO_LARGE', `The tar is over ${max} bytes.`);
    yield chunk;
  }
}

interface Header {
  readonly kind: 'file' | 'directory';
  readonly path: string;
  readonly mode: number;
  readonly size: number;
}

function checkHeader(header: TarHeader, limits: SourceLimits): Header {
  const { name, type, mode, size } = header;
  if (!isEntrySize(size)) throw refused(name, 'has no size that can be read');
  if (type !== 'file' && type !== 'directory') {
    throw refused(name, `is a ${type ?? 'special file'}; only files and folders are taken`);
  }
  const plain = name.replace(/^(?:\.\/)+/, '');
  // Only a folder's name may end in a slash; "./" is the folder that was packed.
  const path = type === 'directory' ? plain.replace(/\/$/, '').replace(/^\.$/, '') : plain;
  const problem = pathProblem(path);
  if (problem !== undefined && !(path === '' && type === 'directory')) throw refused(name, problem);
  // One level more than in a build context: context/ itself.
  if (path.split('/').length > limits.maxDepth + 1) throw refused(name, 'is too deep');
  if (size > limits.maxFileBytes) {
    throw new CloudError(
      'OFC_TOO_LARGE',
      `${quotePath(name)} is larger than ${limits.maxFileBytes} bytes.`,
    );
  }
  return { kind: type, path, mode, size: type === 'file' ? size : 0 };
}

function foldersAbove(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}

function refused(path: string, problem: string): CloudError {
  return new CloudError('OFC_SOURCE_REFUSED', `The tar entry ${quotePath(path)} ${problem}.`);
}
