import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { CloudError } from '../errors.ts';
import { normalFileMode } from '../shrinkwrap/context-entry.ts';
import type { SourceLimits } from '../shrinkwrap/limits.ts';
import { readArchive } from '../tar/read-archive.ts';

const owner = { uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0) };

/** Options of {@link contextTar}. */
export interface ContextTarOptions {
  /** `sha256:…` that the whole tar must have. */
  readonly digest?: string | undefined;
  /** `context/` stays in front of the names, so that the result is a request's context again. */
  readonly keepRoot?: boolean;
}

/**
 * What BuildKit sees: exactly what lies below `context/` of a tar, checked entry by entry, packed anew
 * while it is read, with times and owners that never change. The stream ends with an error if the tar is
 * refused or is not the one that was meant, so that no build starts from it.
 *
 * @throws CloudError (by the stream) as `readArchive`; `OFC_UPSTREAM` for a wrong digest
 */
export function contextTar(
  body: Readable,
  limits: SourceLimits,
  options: ContextTarOptions = {},
): Readable {
  return Readable.from(repacked(body, limits, options), { objectMode: false });
}

async function* repacked(
  body: Readable,
  limits: SourceLimits,
  options: ContextTarOptions,
): AsyncGenerator<Buffer> {
  const archive = pack();
  const ended = new AbortController();
  const filling = fill(archive, body, limits, options, ended.signal).catch((error: Error) =>
    archive.destroy(error),
  );
  try {
    for await (const chunk of archive) yield chunk as Buffer;
  } finally {
    ended.abort();
    body.destroy();
    await filling;
  }
}

async function fill(
  archive: ReturnType<typeof pack>,
  body: Readable,
  limits: SourceLimits,
  { digest, keepRoot = false }: ContextTarOptions,
  ended: AbortSignal,
): Promise<void> {
  const hash = createHash('sha256');
  const hashed = Readable.from(tap(body, hash), { objectMode: false });
  for await (const entry of readArchive(hashed, limits)) {
    const [root, ...below] = entry.path.split('/');
    if (root !== 'context' || below.length === 0) continue;
    const name = keepRoot ? entry.path : below.join('/');
    if (entry.kind === 'directory') {
      archive.entry({ ...owner, name, type: 'directory', mode: 0o755 });
      continue;
    }
    const { size } = entry;
    const mode = normalFileMode(entry.mode);
    const sink = archive.entry({ ...owner, name, type: 'file', mode, size });
    for await (const chunk of entry.content) {
      if (!sink.write(chunk)) await once(sink, 'drain', { signal: ended });
    }
    sink.end(null);
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (digest !== undefined && digest !== found) {
    throw new CloudError(
      'OFC_UPSTREAM',
      'The stored build context is not the one that was planned.',
      {
        hint: 'It is read again; if it stays so, the object store gives wrong data.',
      },
    );
  }
  archive.finalize();
}

async function* tap(body: Readable, hash: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  for await (const chunk of body as AsyncIterable<Buffer>) {
    hash.update(chunk);
    yield chunk;
  }
}
