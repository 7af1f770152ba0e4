import type { Readable } from 'node:stream';

/** A build context that is read when it is needed, and again for another try. */
export interface BuildContext {
  /** A tar with `context/…`, as `packContext` makes it, from its start. */
  readonly open: () => Promise<Readable>;
  /** `sha256:…` that the whole tar must have, if it is known. */
  readonly digest?: string | undefined;
}

/** One image to build. */
export interface BuildRequest {
  readonly context: BuildContext;
  /** The reference to push to. */
  readonly image: string;
  /** Whose it is, such as `alice/hello`: builds of the same scope share a cache. */
  readonly scope: string;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** The time that everything in the image has. */
  readonly createdAt?: Date | undefined;
  /** Such as `linux/arm64`; the builder's own if there are none. */
  readonly platforms?: readonly string[] | undefined;
  /** Build secrets by their id. */
  readonly secrets?: ReadonlyMap<string, Buffer> | undefined;
  /** Builds only, to see whether it works. */
  readonly skipPush?: boolean | undefined;
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
 * `OFC_UPSTREAM` (the backend is not there or broke off), `OFC_TIMEOUT` (aborted), `OFC_CONFIG`
 * (credentials).
 */
export interface Builder {
  build(request: BuildRequest): Promise<BuiltImage>;
}
