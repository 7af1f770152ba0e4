import { createHash, type Hash, randomUUID } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { RegistryError } from './registry-error.ts';
import type { RepositoryFiles } from './repository-files.ts';

interface Session {
  readonly repository: string;
  readonly path: string;
  readonly file: FileHandle;
  readonly hash: Hash;
  size: number;
  busy: boolean;
  lastUsed: number;
}

const maxBlobBytes = 20 * 1024 ** 3;
const maxIdleMs = 3600_000;

/**
 * Uploads of blobs that are under way. They live in memory beside their temporary files and end
 * with the process: a client starts again. One that nobody touches for an hour is dropped.
 */
export class UploadSessions {
  readonly #sessions = new Map<string, Session>();
  readonly #files: RepositoryFiles;
  readonly #sweep: NodeJS.Timeout;

  constructor(files: RepositoryFiles) {
    this.#files = files;
    this.#sweep = setInterval(() => void this.dropIdle(Date.now()), 600_000).unref();
  }

  /** Starts an upload and gives its id. */
  async start(repository: string): Promise<string> {
    const id = randomUUID();
    const path = this.#files.temporaryPath();
    const file = await open(path, 'wx', 0o600);
    const hash = createHash('sha256');
    const lastUsed = Date.now();
    this.#sessions.set(id, { repository, path, file, hash, size: 0, busy: false, lastUsed });
    return id;
  }

  /** How many bytes have arrived. */
  size(repository: string, id: string): number {
    return this.#find(repository, id).size;
  }

  /** Appends what comes and gives the new size. What came before an interruption is kept. */
  async append(repository: string, id: string, data: AsyncIterable<Buffer>): Promise<number> {
    const session = this.#findIdle(repository, id);
    session.busy = true;
    try {
      for await (const chunk of data) {
        if (session.size + chunk.length > maxBlobBytes) {
          throw new RegistryError('SIZE_INVALID', `A blob has at most ${maxBlobBytes} bytes.`);
        }
        await writeAt(session.file, chunk, session.size);
        session.hash.update(chunk);
        session.size += chunk.length;
        session.lastUsed = Date.now();
      }
      return session.size;
    } finally {
      session.busy = false;
    }
  }

  /** Ends an upload: it becomes a blob if it has the digest, and is gone in any case. */
  async finish(repository: string, id: string, digest: string): Promise<void> {
    const session = this.#findIdle(repository, id);
    this.#sessions.delete(id);
    await session.file.close();
    if (`sha256:${session.hash.digest('hex')}` !== digest) {
      await rm(session.path, { force: true });
      throw new RegistryError('DIGEST_INVALID', 'The content does not have the given digest.');
    }
    await this.#files.addBlob(repository, digest, session.path);
  }

  /** Drops an upload. */
  async cancel(repository: string, id: string): Promise<void> {
    const session = this.#findIdle(repository, id);
    this.#sessions.delete(id);
    await session.file.close();
    await rm(session.path, { force: true });
  }

  /** Drops uploads that were last used an hour before `now`. */
  async dropIdle(now: number): Promise<void> {
    for (const [id, { repository, busy, lastUsed }] of this.#sessions) {
      if (!busy && now - lastUsed > maxIdleMs) await this.cancel(repository, id);
    }
  }

  /** Stops watching; what is unfinished is cleared away when the registry is opened again. */
  async close(): Promise<void> {
    clearInterval(this.#sweep);
    await Promise.all([...this.#sessions.values()].map(({ file }) => file.close()));
    this.#sessions.clear();
  }

  #findIdle(repository: string, id: string): Session {
    const session = this.#find(repository, id);
    if (session.busy) throw new RegistryError('BLOB_UPLOAD_INVALID', 'The upload is in use.');
    return session;
  }

  #find(repository: string, id: string): Session {
    const session = this.#sessions.get(id);
    if (session?.repository !== repository) {
      throw new RegistryError('BLOB_UPLOAD_UNKNOWN', 'There is no such upload.');
    }
    return session;
  }
}

/** At a position, so that after a failed write the same bytes can be sent again. */
async function writeAt(file: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}
