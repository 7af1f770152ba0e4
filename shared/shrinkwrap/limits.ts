/** What a build context may hold at most. */
export interface SourceLimits {
  readonly maxEntries: number;
  readonly maxFileBytes: number;
  readonly maxTotalBytes: number;
  /** Folders below each other, counted from the root of the build context. */
  readonly maxDepth: number;
}

/** The limits of a push unless the operator sets others. */
export const defaultSourceLimits: SourceLimits = {
  maxEntries: 10_000,
  maxFileBytes: 25_000_000,
  maxTotalBytes: 100_000_000,
  maxDepth: 32,
};
