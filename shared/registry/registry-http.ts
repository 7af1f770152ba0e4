import { Agent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps, Agent as TlsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CloudError } from '#shared/errors.ts';

/** One request. A body is opened again for each try, as a stream can be read only once. */
export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: { readonly size: number; readonly open: () => Readable };
}

/** Sends a request and gives the answer as soon as its headers are there, whatever its status. */
export type SendHttp = (request: HttpRequest) => Promise<IncomingMessage>;

const idleTimeoutMs = 60_000;

/**
 * Makes a {@link SendHttp} with connections of its own.
 *
 * @throws CloudError from a call: `OFC_UPSTREAM` (unreachable, connection lost) or `OFC_TIMEOUT`
 * (a minute without a byte).
 */
export function createHttpSender(): SendHttp {
  const agent = new Agent({ keepAlive: true });
  const tlsAgent = new TlsAgent({ keepAlive: true });
  return ({ method, url, headers = {}, body }) =>
    new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': body.size };
      const options = {
        method,
        headers: { 'user-agent': 'openfaas-cloud', ...headers, ...length },
      };
      const request =
        url.protocol === 'https:'
          ? requestHttps(url, { ...options, agent: tlsAgent })
          : requestHttp(url, { ...options, agent });
      request.setTimeout(idleTimeoutMs, () =>
        request.destroy(new CloudError('OFC_TIMEOUT', `The registry ${url.host} does not answer.`)),
      );
      request.on('response', resolve);
      const content = body?.open();
      request.on('error', (error) => reject(unreachable(url, content?.errored ?? error)));
      if (content === undefined) request.end();
      else pipeline(content, request).catch((error: Error) => request.destroy(error));
    });
}

/**
 * The whole body of an answer.
 *
 * @throws CloudError `OFC_TOO_LARGE` over `limit` bytes, `OFC_UPSTREAM` if the connection is lost.
 */
export async function readAnswer(answer: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer) {
      size += chunk.length;
      if (size > limit) {
        throw new CloudError('OFC_TOO_LARGE', `The registry’s answer is over ${limit} bytes.`);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof CloudError) throw error;
    throw new CloudError('OFC_UPSTREAM', 'The registry’s answer broke off.', { cause: error });
  }
  return Buffer.concat(chunks);
}

/** Whether a host (with or without port) is this machine: then, and only then, HTTP will do. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  return /^(?:localhost|.*\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(name);
}

function unreachable(url: URL, error: Error): CloudError {
  if (error instanceof CloudError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? error.name;
  return new CloudError('OFC_UPSTREAM', `The registry ${url.host} could not be reached: ${code}.`, {
    cause: error,
  });
}
