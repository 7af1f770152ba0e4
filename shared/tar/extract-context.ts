import { closeSync, fchmodSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { normalFileMode } from '../shrinkwrap/context-entry.ts';
import { defaultSourceLimits, type SourceLimits } from '../shrinkwrap/limits.ts';
import { type BuilderRequest, readRequest } from './read-builder-request.ts';

/**
 * Writes the context of a builder request to `folder`, which must not exist yet: it is made here, so
 * nothing in it can be a link. Every file is new (O_EXCL). On an error the caller removes `folder`.
 *
 * @throws CloudError as `readBuilderRequest`; a system error if `folder` is there
 */
export async function extractContext(
  body: Readable,
  folder: string,
  limits: SourceLimits = defaultSourceLimits,
): Promise<BuilderRequest> {
  await mkdir(folder, { mode: 0o700 });
  return readRequest(body, limits, {
    // Synchronous: a context is a hundred small files, and a promise for each call takes longer than the call.
    directory: async (path) => {
      mkdirSync(join(folder, path), { mode: 0o755 });
    },
    file: async (path, mode, content) => {
      const file = openSync(join(folder, path), 'wx', normalFileMode(mode));
      try {
        for await (const chunk of content) {
          for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
        }
        // The mode that open takes is cut by the umask.
        fchmodSync(file, normalFileMode(mode));
      } finally {
        closeSync(file);
      }
    },
  });
}
