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

/** How long a function may take; 0 is no limit. */
export interface UpstreamTimeouts {
  /** From the end of the request to the head of its answer, and between two pieces of the request. */
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
    let failure: Error | undefined;
    let abort: ((reason: Error) => void) | undefined;
    let answered = false;
    const stop = (reason: string): void => {
      failure = new CloudError('OFC_TIMEOUT', reason);
      abort?.(failure);
    };
    const onAbort = (): void => stop('The call was given up.');
    const onDeadline = (): void => stop('The function did not answer in time.');
    const deadline =
      timeouts.upstreamMs > 0 ? setTimeout(onDeadline, timeouts.upstreamMs) : undefined;
    const settled = (): void => {
      clearTimeout(deadline);
      signal.removeEventListener('abort', onAbort);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();

    const options: Dispatcher.DispatchOptions = {
      method: request.method as Dispatcher.HttpMethod,
      path: request.path,
      headers: request.headers as string[],
      body: (request.body as Readable | Buffer | undefined) ?? null,
      headersTimeout: 0,
      bodyTimeout: timeouts.idleMs,
    };
    pool.dispatch(options, {
      onConnect(abortRequest) {
        abort = abortRequest;
        if (failure !== undefined) abort(failure);
      },
      onBodySent() {
        if (!answered) deadline?.refresh();
      },
      onHeaders(status, raw, resume) {
        if (status < 200) return true;
        answered = true;
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
