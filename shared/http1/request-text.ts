import type { Exchange, Http1Client, Http1Request } from './http1-client.ts';
import { Http1Error } from './http1-error.ts';

/** An answer that was read whole. */
export interface TextAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * Sends a request without a body and reads the answer as UTF-8.
 *
 * @param request `timeoutMs` holds for all of it.
 * @param maxBytes Longer answers are refused.
 * @throws Http1Error
 */
export function requestText(
  client: Http1Client,
  request: Omit<Http1Request, 'body'>,
  maxBytes: number,
): Promise<TextAnswer> {
  return new Promise((resolve, reject) => {
    let exchange: Exchange | undefined;
    const giveUp = (error: Http1Error): void => {
      clearTimeout(timer);
      exchange?.abort();
      reject(error);
    };
    const timer = setTimeout(
      () => giveUp(new Http1Error('timeout', 'The server did not answer in time.')),
      request.timeoutMs,
    );
    let status = 0;
    let size = 0;
    const pieces: Buffer[] = [];
    try {
      exchange = client.request(
        { ...request, body: 'none' },
        {
          onPart({ head, data, done }) {
            status = head?.status ?? status;
            for (const piece of data) {
              size += piece.length;
              pieces.push(Buffer.from(piece));
            }
            if (size > maxBytes) {
              giveUp(new Http1Error('protocol', 'The answer is too large.'));
            } else if (done) {
              clearTimeout(timer);
              resolve({ status, text: Buffer.concat(pieces).toString('utf8') });
            }
            return true;
          },
          onDrain: () => undefined,
          onFailure: giveUp,
        },
      );
    } catch (error) {
      clearTimeout(timer);
      reject(error);
    }
  });
}
