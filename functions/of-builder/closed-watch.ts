import { type DeploymentRef, refOf } from '#shared/pipeline/deployment.ts';
import type { Records } from '#shared/pipeline/records.ts';

/** Gives a signal that is aborted once a deployment is closed: a newer push came, or it was cancelled. */
export type WatchClosed = (ref: DeploymentRef) => {
  readonly signal: AbortSignal;
  /** Ends the watch for whoever asked. */
  stop(): void;
};

/**
 * Makes a {@link WatchClosed}: builds of one deployment share one look every `everyMs`. A store that cannot
 * say is asked again.
 */
export function createClosedWatch(
  records: Pick<Records, 'isClosed'>,
  everyMs: number,
): WatchClosed {
  const watches = new Map<string, { readonly signal: AbortSignal; users: number; end(): void }>();
  const start = (ref: DeploymentRef) => {
    const controller = new AbortController();
    const timer = setInterval(() => {
      records.isClosed(ref).then(
        (closed) => closed && controller.abort(),
        () => undefined,
      );
    }, everyMs);
    return { signal: controller.signal, users: 0, end: () => clearInterval(timer) };
  };
  return (ref) => {
    const key = JSON.stringify(refOf(ref));
    const watch = watches.get(key) ?? start(ref);
    watches.set(key, watch);
    watch.users += 1;
    return {
      signal: watch.signal,
      stop() {
        watch.users -= 1;
        if (watch.users > 0) return;
        watch.end();
        watches.delete(key);
      },
    };
  };
}
