const markers = /\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]/i;

/**
 * Whether a commit message asks that nothing be built, as GitHub Actions understands it.
 *
 * @see https://docs.github.com/en/actions/how-tos/manage-workflow-runs/skip-workflow-runs
 * @returns the marker as it is written, or `undefined`.
 */
export function skipMarker(message: string): string | undefined {
  return markers.exec(message)?.[0];
}
