/** A signal that ends what takes too long. */
export interface Deadline {
  /** Aborted after the time, or with one of the signals that were given. */
  readonly signal: AbortSignal;
  /** For what has ended in time: nothing is kept for it any more. */
  clear(): void;
}

/**
 * As `AbortSignal.any([...signals, AbortSignal.timeout(ms)])` should be. In Node 20 nobody but the garbage
 * collector holds that timeout, so that it may never come.
 *
 * @see https://github.com/nodejs/node/issues/57736
 */
export function deadline(ms: number, ...signals: readonly AbortSignal[]): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
  }, ms).unref();
  const clear = (): void => {
    clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener('abort', follow);
  };
  const follow = (): void => {
    clear();
    controller.abort(signals.find(({ aborted }) => aborted)?.reason);
  };
  for (const signal of signals) signal.addEventListener('abort', follow, { once: true });
  if (signals.some(({ aborted }) => aborted)) follow();
  return { signal: controller.signal, clear };
}
