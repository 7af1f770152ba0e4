/**
 * of-builder: builds one function of a deployment (`POST /`, from the pipeline), and whatever
 * `faas-cli publish --remote-builder` sends (`/build`).
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { InitHandler } from '#runtime-types';
import { loadConfig } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';
import { maxMessageBytes, receiveMessage } from '#shared/messages/receive.ts';
import { observed } from '#shared/observe/observed.ts';
import { once } from '#shared/once.ts';
import { buildMessageSchema } from '#shared/pipeline/messages.ts';
import { buildFunction } from './build-function.ts';
import { readConfig } from './config.ts';
import { serveRemoteBuilds } from './remote-builds.ts';

const step = observed('of-builder');
const loaded = once(() => loadConfig(readConfig));

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init: InitHandler = () => {
  loaded();
};

export const raw = step.raw(async (request, response, context) => {
  const [path = '/', rawQuery = ''] = (request.url ?? '/').split('?', 2);
  if (path !== '/') {
    await serveRemoteBuilds(loaded().remote, path, request, response, context);
    return;
  }
  if (request.method !== 'POST') throw new CloudError('OFC_METHOD', 'Only POST is supported.');
  await buildPlanned(request, response, rawQuery);
});

/** What it counts of its own step. */
export const metrics = () => step.metrics.render();
/** Sends on the spans that wait. */
export const { close } = step;

/** Builds what a message of the pipeline names; a full builder answers 429, and the queue tries again. */
async function buildPlanned(
  request: IncomingMessage,
  response: ServerResponse,
  rawQuery: string,
): Promise<void> {
  const { signer, building, slots } = loaded();
  const { headers } = request;
  const rawBody = await readMessage(request);
  const event = { method: 'POST', path: '/', rawQuery, headers, rawBody };
  const message = receiveMessage(signer, 'of-builder', event, buildMessageSchema);
  const free = slots.take(message.owner);
  if (free === undefined) {
    response.setHeader('retry-after', '1');
    throw new CloudError('OFC_BUSY', 'The builder is busy.');
  }
  try {
    const record = await buildFunction(building, message, message.function);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ outcome: record?.outcome ?? 'ended' }));
  } finally {
    free();
  }
}

async function readMessage(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxMessageBytes) {
      throw new CloudError('OFC_TOO_LARGE', 'That is no message: it is too large.');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
