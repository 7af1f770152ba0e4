import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { GitHttpRequest, GitHttpResponse, HttpClient } from 'isomorphic-git';
import { CloudError } from '../errors.ts';

/** Bounds of one fetch. */
export interface FetchLimits {
  /** Bytes over the wire, all answers together. */
  readonly maxBytes: number;
  /** For the whole fetch, in milliseconds. */
  readonly timeoutMs: number;
}

/** An HTTP client that remembers why it broke off: isomorphic-git takes that for the end of a body. */
export interface LimitedHttp extends HttpClient {
  readonly failure: unknown;
}

/**
 * An HTTP client for isomorphic-git that stays within limits: it talks to one origin only, follows
 * no redirect (a redirect could take credentials elsewhere, or into our own network), and stops at a
 * number of bytes and at a time.
 *
 * @param origin The only origin, such as `https://github.com`.
 */
export function limitedHttp(origin: string, { maxBytes, timeoutMs }: FetchLimits): LimitedHttp {
  const signal = AbortSignal.timeout(timeoutMs);
  let received = 0;
  let failure: unknown;

  async function* counted(answer: IncomingMessage): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        received += chunk.length;
        if (received > maxBytes) {
          answer.destroy();
          throw new CloudError(
            'OFC_SOURCE_REFUSED',
            `The commit is larger than ${Math.round(maxBytes / 1024 / 1024)} MiB when fetched.`,
            { hint: 'Take large files out of the repo.' },
          );
        }
        yield chunk;
      }
    } catch (error) {
      failure = fetchError(error, signal, timeoutMs);
      throw failure;
    }
  }

  return {
    get failure() {
      return failure;
    },
    async request({ url, method = 'GET', headers = {}, body }: GitHttpRequest) {
      const target = new URL(url);
      if (target.origin !== origin) {
        throw new CloudError('OFC_CLONE', `Refused to fetch from another host than ${origin}.`);
      }
      const payload = body === undefined ? undefined : await collect(body);
      const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const request = send(target, { method, headers, signal }, resolve);
        request.once('error', (error) => reject(fetchError(error, signal, timeoutMs)));
        request.end(payload);
      });
      const result: GitHttpResponse = {
        url,
        method,
        statusCode: answer.statusCode ?? 0,
        statusMessage: answer.statusMessage ?? '',
        headers: Object.fromEntries(
          Object.entries(answer.headers).map(([name, value]) => [name, String(value)]),
        ),
        body: counted(answer),
      };
      return result;
    },
  };
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function fetchError(error: unknown, signal: AbortSignal, timeoutMs: number): unknown {
  if (error instanceof CloudError) return error;
  if (signal.aborted) {
    const seconds = Math.round(timeoutMs / 1000);
    return new CloudError('OFC_TIMEOUT', `Fetching the commit took longer than ${seconds} s.`);
  }
  return new CloudError('OFC_UPSTREAM', 'The git server did not answer.', { cause: error });
}
