import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { ObjectStore } from '#shared/object-store/object-store.ts';

/** An {@link ObjectStore} in memory, with the same promises as the real one. */
export interface MemoryObjectStore extends ObjectStore {
  /** What is stored, for a test to look at. */
  readonly objects: Map<string, Buffer>;
}

/** Makes an empty {@link MemoryObjectStore}; `now` says when objects are written. */
export function createMemoryObjectStore(now: () => number = Date.now): MemoryObjectStore {
  const objects = new Map<string, Buffer>();
  const written = new Map<string, number>();
  const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  return {
    objects,
    async get(key) {
      const found = objects.get(key);
      return found === undefined ? undefined : Buffer.from(found);
    },
    async getStream(key) {
      const found = objects.get(key);
      return found && { body: Readable.from([Buffer.from(found)]), size: found.length };
    },
    async put(key, body) {
      objects.set(key, Buffer.from(body));
      written.set(key, now());
    },
    async putStream(key, body, size) {
      const bytes = await buffer(body);
      if (bytes.length !== size) throw new Error(`${key} has ${bytes.length} bytes, not ${size}`);
      objects.set(key, bytes);
      written.set(key, now());
    },
    async create(key, body) {
      if (objects.has(key)) return false;
      objects.set(key, Buffer.from(body));
      written.set(key, now());
      return true;
    },
    async exists(key) {
      return objects.has(key);
    },
    async list(prefix, { limit = Number.POSITIVE_INFINITY, after = '' } = {}) {
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(byBytes);
      return keys.filter((key) => byBytes(key, after) > 0).slice(0, limit);
    },
    async folders(prefix) {
      const names = [...objects.keys()].flatMap((key) => {
        const end = key.indexOf('/', prefix.length);
        return key.startsWith(prefix) && end !== -1 ? [key.slice(prefix.length, end)] : [];
      });
      return [...new Set(names)].sort(byBytes);
    },
    async listOlder(prefix, before, { limit }) {
      const keys = await this.list(prefix);
      return keys.filter((key) => (written.get(key) ?? 0) < before.getTime()).slice(0, limit);
    },
    async delete(key) {
      objects.delete(key);
    },
  };
}
