import type { Readable } from 'node:stream';
import type { Dispatcher, Pool } from 'undici';
import { CloudError } from '#shared/errors.ts';
import type { AnswerSink } from './answer-sink.ts';
import { endToEnd } from './forwarding-headers.ts';

/** A request for a function. */
export interface OutboundRequest {
  readonly method: string;
  /** Path and query, sent byte for byte. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Readable | Uint8Array | undefined;
  readonly signal: AbortSignal;
}

/** How long a function may take. */
export interface UpstreamTimeouts {
  /** Until the head of its answer. */
  readonly upstreamMs: number;
  /** Between two pieces of its answer. */
  readonly idleMs: number;
}

/**
 * Sends `request` over `pool` and hands the answer to `sink` as it arrives, with back-pressure both
 * ways and without redirects. Rejects when the connection fails, a time is up or the signal aborts;
 * `sink` may have seen the head by then.
 */
export function forward(
  pool: Pool,
  request: OutboundRequest,
  sink: AnswerSink,
  timeouts: UpstreamTimeouts,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const { signal } = request;
    let stop: (reason: Error) => void = () => undefined;
    const onAbort = (): void => stop(new CloudError('OFC_TIMEOUT', 'The call was given up.'));
    const deadline = setTimeout(
      () => stop(new CloudError('OFC_TIMEOUT', 'The function did not answer in time.')),
      timeouts.upstreamMs,
    );
    const settled = (): void => {
      clearTimeout(deadline);
      signal.removeEventListener('abort', onAbort);
    };
    signal.addEventListener('abort', onAbort, { once: true });

    const options: Dispatcher.DispatchOptions = {
      method: request.method as Dispatcher.HttpMethod,
      path: request.path,
      headers: request.headers as string[],
      body: (request.body as Readable | Buffer | undefined) ?? null,
      headersTimeout: 0,
      bodyTimeout: timeouts.idleMs,
    };
    pool.dispatch(options, {
      onConnect(abort) {
        stop = abort;
        if (signal.aborted) onAbort();
      },
      onHeaders(status, raw, resume) {
        if (status < 200) return true;
        clearTimeout(deadline);
        sink.head(status, endToEnd(raw.map((part) => part.toString('latin1'))), resume);
        return true;
      },
      onData: (chunk) => sink.write(chunk),
      onComplete() {
        settled();
        sink.end();
        resolve();
      },
      onError(error) {
        settled();
        reject(error);
      },
    });
  });
}
