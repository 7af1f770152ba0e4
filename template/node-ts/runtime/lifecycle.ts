/** What the parts of a running function know about its state. */
export interface Lifecycle {
  /** Listening, `init` is done. */
  ready: boolean;
  /** SIGTERM came: still serving, but no longer ready. */
  draining: boolean;
  /** Requests and upgraded connections that have not ended. */
  inflight: number;
  /** Called each time the last one in flight has ended. */
  onIdle: (() => void) | undefined;
}

/** The state of a function that has not started yet. */
export const createLifecycle = (): Lifecycle => ({
  ready: false,
  draining: false,
  inflight: 0,
  onIdle: undefined,
});

/** One in flight less. */
export function endOne(lifecycle: Lifecycle): void {
  lifecycle.inflight--;
  if (lifecycle.inflight === 0) lifecycle.onIdle?.();
}
