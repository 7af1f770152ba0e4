/** One call of a function that waits in the queue. Always a POST, as with OpenFaaS. */
export interface Message {
  /** As it was addressed: `name` or `name.namespace`. */
  readonly function: string;
  /** Path and query below the function; begins with `/`. */
  readonly path: string;
  /** Names and values in turn, as they came. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  readonly callId: string;
  /** Absolute http(s) URL that gets the function's answer. */
  readonly callbackUrl?: string;
}

/** What a function answered, or what the gateway answered for it (404, 502, 503, 504). */
export interface FunctionAnswer {
  readonly status: number;
  /** Names and values in turn, without hop-by-hop headers. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

/** An answer on its way to a URL outside this gateway. */
export interface Callback {
  readonly url: string;
  readonly function: string;
  readonly callId: string;
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

/** What one entry of the queue asks for. */
export type Work =
  | { readonly kind: 'invoke'; readonly message: Message }
  | { readonly kind: 'callback'; readonly callback: Callback };

/** One entry as it lies on disk. */
export interface Entry {
  readonly id: string;
  readonly work: Work;
  /** Tries so far. */
  readonly attempts: number;
  /** Not tried before this time, in Unix milliseconds. */
  readonly notBefore: number;
}

/** An entry that was given up. */
export interface DeadEntry extends Entry {
  readonly reason: string;
  /** ISO time. */
  readonly failedAt: string;
}
