import type { Readable } from 'node:stream';
import { CloudError } from '../errors.ts';
import { sealedFileName as secretsName } from '../sealed-box.ts';
import { type ContextEntry, normalFileMode, sortByPath } from '../shrinkwrap/context-entry.ts';
import { defaultSourceLimits, type SourceLimits } from '../shrinkwrap/limits.ts';
import { type BuildConfig, parseBuildConfig } from './builder-config.ts';
import { configName } from './builder-request.ts';
import { readArchive } from './read-archive.ts';

const maxMetadataBytes = 1024 * 1024;

/** What a builder request carries beside the context. */
export interface BuilderRequest {
  readonly config: BuildConfig;
  /** The sealed build secrets, as they came. */
  readonly secrets?: Buffer;
}

/**
 * Reads the body of a builder request into memory. Whoever sent it may be hostile: see {@link readArchive}
 * for what is refused.
 *
 * @returns the context's entries, without the leading `context/`, in the order of a folder walk
 * @throws CloudError `OFC_BAD_REQUEST`, `OFC_SOURCE_REFUSED`, `OFC_TOO_LARGE`
 */
export async function readBuilderRequest(
  body: Readable,
  limits: SourceLimits = defaultSourceLimits,
): Promise<BuilderRequest & { readonly entries: ContextEntry[] }> {
  const entries: ContextEntry[] = [];
  const request = await readRequest(body, limits, {
    directory: async (path) => {
      entries.push({ kind: 'directory', path, mode: 0o755 });
    },
    file: async (path, mode, content) => {
      const bytes = await gather(content);
      entries.push({ kind: 'file', path, mode: normalFileMode(mode), content: bytes });
    },
  });
  return { ...request, entries: sortByPath(entries) };
}

/** Takes the entries of a context, each folder before what is in it. */
export interface ContextSink {
  directory(path: string): Promise<void>;
  file(path: string, mode: number, content: AsyncIterable<Buffer>): Promise<void>;
}

/**
 * Reads the body of a builder request and hands the context's entries to `sink` as they come.
 *
 * @throws CloudError as {@link readBuilderRequest}
 */
export async function readRequest(
  body: Readable,
  limits: SourceLimits,
  sink: ContextSink,
): Promise<BuilderRequest> {
  const metadata = new Map<string, Buffer>();
  for await (const entry of readArchive(body, limits)) {
    if (entry.path === configName || entry.path === secretsName) {
      if (entry.kind !== 'file' || entry.size > maxMetadataBytes) {
        throw new CloudError('OFC_BAD_REQUEST', `${entry.path} is not a small file.`);
      }
      metadata.set(entry.path, await gather(entry.content));
      continue;
    }
    const [root = '', ...below] = entry.path.split('/');
    const path = below.join('/');
    if (root !== 'context' || (path === '' && entry.kind === 'file')) {
      throw new CloudError('OFC_BAD_REQUEST', `${JSON.stringify(entry.path)} is not expected.`, {
        hint: `A request holds context/, ${configName} and optionally ${secretsName}.`,
      });
    }
    if (entry.kind === 'file') await sink.file(path, entry.mode, entry.content);
    else if (path !== '') await sink.directory(path);
  }
  const config = metadata.get(configName);
  if (!config) throw new CloudError('OFC_BAD_REQUEST', `The request has no ${configName}.`);
  const secrets = metadata.get(secretsName);
  return { config: parseBuildConfig(config), ...(secrets && { secrets }) };
}

async function gather(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}
