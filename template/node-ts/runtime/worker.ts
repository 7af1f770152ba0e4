/** What the first process asks of a worker. */
export type ToWorker =
  | { readonly ask: 'stop'; readonly signal: 'SIGTERM' | 'SIGINT' }
  | { readonly ask: 'metrics'; readonly id: number };

/** A worker's metrics; without text they could not be had. */
export interface FromWorker {
  readonly id: number;
  readonly metrics?: string;
}

/**
 * Lets the first process direct this one. Signals go there alone: a terminal and some process managers
 * send them to all, and the second one would end a worker at once.
 */
export function obeyFirstProcess(
  stop: (signal: 'SIGTERM' | 'SIGINT') => void,
  metrics: () => Promise<string>,
): void {
  process.on('SIGTERM', () => undefined);
  process.on('SIGINT', () => undefined);
  process.on('message', (message: ToWorker) => {
    if (message.ask === 'stop') return stop(message.signal);
    if (message.ask !== 'metrics') return;
    const answer = (more: Partial<FromWorker>) => process.send?.({ id: message.id, ...more });
    metrics().then(
      (text) => answer({ metrics: text }),
      () => answer({}),
    );
  });
}
