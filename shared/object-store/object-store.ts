import type { Readable } from 'node:stream';

/** What a stored object is: its bytes as a stream and how many there are. */
export interface StoredObject {
  readonly body: Readable;
  readonly size: number;
}

/** Options of `put` and `create`. */
export interface PutOptions {
  readonly contentType?: string;
}

/**
 * Where deployments, contexts and logs are kept; there is no other state. Keys are any text of 1 to
 * 1024 UTF-8 bytes; build them from parts with `keyPart` so that one key means one thing.
 *
 * Every method raises `OFC_UPSTREAM` when the store cannot be reached or fails, and `OFC_CONFIG`
 * when it refuses our credentials.
 */
export interface ObjectStore {
  /** The whole object; `undefined` when it is absent. */
  get(key: string): Promise<Buffer | undefined>;
  /** The object as a stream, for what may be large. The caller must read or destroy `body`. */
  getStream(key: string): Promise<StoredObject | undefined>;
  /** Writes or overwrites. */
  put(key: string, body: Buffer | string, options?: PutOptions): Promise<void>;
  /** Writes exactly `size` bytes from `body`. Not retried: a stream can be read only once. */
  putStream(key: string, body: Readable, size: number): Promise<void>;
  /** Writes only if the key is free (`If-None-Match: *`): true = created, false = it was there already. */
  create(key: string, body: Buffer | string, options?: PutOptions): Promise<boolean>;
  exists(key: string): Promise<boolean>;
  /**
   * Keys that start with `prefix`, in the order of their UTF-8 bytes; all of them unless limited, or
   * only those that come after the key `after`.
   */
  list(
    prefix: string,
    options?: { readonly limit?: number; readonly after?: string },
  ): Promise<string[]>;
  /**
   * The next parts of the keys that start with `prefix`, up to their next slash, each once and in
   * order: what would be the folders below `prefix`.
   */
  folders(prefix: string): Promise<string[]>;
  /** Keys that start with `prefix` of objects that were last written before `before`, `limit` at most. */
  listOlder(prefix: string, before: Date, options: { readonly limit: number }): Promise<string[]>;
  /** Removes the object; an absent one is fine. */
  delete(key: string): Promise<void>;
}
