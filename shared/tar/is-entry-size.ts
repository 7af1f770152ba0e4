/**
 * Whether a size that tar-stream gives is one: what it cannot read it passes on as `null`, `NaN` or below
 * zero, and then waits for the rest of that entry for ever.
 */
export function isEntrySize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0;
}
