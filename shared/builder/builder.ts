/** One image to build. */
export interface BuildRequest {
  /** A tar with `context/…`, as `packContext` makes it. */
  readonly context: Buffer;
  /** The reference to push to. */
  readonly image: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Gets each line of the build log, in order, while the build runs. */
  readonly onLog: (line: string) => void;
  /** Ends the build. */
  readonly signal: AbortSignal;
}

/** An image that was built and pushed. */
export interface BuiltImage {
  /** The reference with its tag, as the builder reports it. */
  readonly image: string;
  /** `sha256:…` of the manifest, if the builder tells it. */
  readonly digest: string | undefined;
}

/**
 * What of-builder drives: a builder backend.
 *
 * Errors of `build`: `OFC_BUILD_FAILED` (the context does not build), `OFC_BUSY` (try later),
 * `OFC_UPSTREAM` (the backend is not there or broke off), `OFC_TIMEOUT` (aborted).
 */
export interface Builder {
  build(request: BuildRequest): Promise<BuiltImage>;
}
