import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type Dispatcher, request } from 'undici';
import { CloudError } from '#shared/errors.ts';
import { type Signer, signatureHeader } from '#shared/messages/signature.ts';
import { traceHeaders } from '#shared/observe/trace-context.ts';

/** What relaying works with. */
export interface Relaying {
  /** Base URL of the gateway. */
  readonly gatewayUrl: string;
  readonly signer: Signer;
  readonly dispatcher: Dispatcher;
}

/**
 * Streams the answer of another function of the platform to the page: a log, as it grows.
 *
 * @throws CloudError `OFC_NOT_FOUND` or `OFC_UPSTREAM`, if nothing was answered yet.
 */
export async function relay(
  { gatewayUrl, signer, dispatcher }: Relaying,
  receiver: string,
  query: Readonly<Record<string, string>>,
  accept: string,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const path = `/?${new URLSearchParams(query)}`;
  const signature = signer.sign({ receiver, method: 'GET', path, body: '' });
  const answer = await request(`${gatewayUrl}/function/${receiver}${path}`, {
    dispatcher,
    signal,
    headers: { accept, ...traceHeaders(), [signatureHeader]: signature },
    headersTimeout: 60_000,
    bodyTimeout: 0,
  }).catch((error: unknown) => {
    throw new CloudError('OFC_UPSTREAM', `${receiver} did not answer.`, { cause: error });
  });
  if (answer.statusCode !== 200) {
    await answer.body.dump();
    throw answer.statusCode === 404
      ? new CloudError('OFC_NOT_FOUND', 'There is no such log (yet).')
      : new CloudError('OFC_UPSTREAM', `${receiver} answered ${answer.statusCode}.`);
  }
  response.writeHead(200, {
    'content-type': accept,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.flushHeaders();
  try {
    await pipeline(answer.body, response, { signal });
  } catch (error) {
    if (!signal.aborted && !response.destroyed) throw error; // whoever read it has gone
  }
}
