import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { deadline } from '#shared/deadline.ts';
import { CloudError } from '#shared/errors.ts';
import type { GatewayClient, GatewayConfig } from '#shared/gateway/gateway-client.ts';
import { readFunctionLog } from '#shared/gateway/log-client.ts';
import { authoriseFunction } from '#shared/messages/authorise-function.ts';
import { receivedRequest } from '#shared/messages/received-request.ts';
import type { Signer } from '#shared/messages/signature.ts';
import { createRedactor } from '#shared/redact.ts';
import { logFormat } from './log-format.ts';
import { isWanted, parseLogRequest } from './log-request.ts';
import type { SealedValues } from './sealed-values.ts';

/** What serving logs works with. */
export interface ServingFunctionLogs {
  readonly signer: Signer;
  readonly gateway: GatewayConfig;
  readonly client: Pick<GatewayClient, 'get'>;
  readonly sealedValues: SealedValues;
  /** How long one reader may follow, in milliseconds. */
  readonly maxFollowMs: number;
  readonly now: () => number;
}

/**
 * Sends the log of a function to whoever may see it, with `follow=1` as it grows; what the repo sealed
 * is hidden in it.
 *
 * @throws CloudError whose status is the answer, if nothing was answered yet.
 */
export async function serveFunctionLog(
  { signer, gateway, client, sealedValues, maxFollowMs, now }: ServingFunctionLogs,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw new CloudError('OFC_METHOD', 'Only GET and HEAD are supported.');
  }
  const received = receivedRequest(request);
  const wanted = parseLogRequest(new URLSearchParams(received.rawQuery), now());
  const fn = await authoriseFunction(
    { signer, gateway: client },
    'function-logs',
    received,
    wanted.function,
  );
  const format = logFormat(request.headers.accept);
  const answerHeaders = {
    'content-type': format.contentType,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  };
  if (request.method === 'HEAD') return void response.writeHead(200, answerHeaders).end();

  const redact = createRedactor(await sealedValues(fn));
  const { signal: ended, clear } = deadline(maxFollowMs, signal);
  response.once('close', clear);
  const { since, tail, follow, instance } = wanted;
  const lines = readFunctionLog(
    gateway,
    { name: fn.name, since, tail, follow, ...(instance === undefined ? {} : { instance }) },
    ended,
  );
  const begin = () => response.headersSent || response.writeHead(200, answerHeaders).flushHeaders();
  // Who follows sees at once that they are connected; others get the gateway's refusal as it is.
  if (follow) begin();
  for await (const shown of lines) {
    const line = { ...shown, text: redact(shown.text) };
    if (!isWanted(wanted, line)) continue;
    begin();
    if (!response.write(format.line(line))) await drained(response, ended);
    if (ended.aborted) break;
  }
  begin();
  response.end();
}

async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  await once(response, 'drain', { signal }).catch(() => undefined);
}
