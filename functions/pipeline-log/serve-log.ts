import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type BuildLogs, createBuildLogs } from '#shared/build-log/build-logs.ts';
import { followLog } from '#shared/build-log/follow-log.ts';
import { CloudError } from '#shared/errors.ts';
import { authoriseOwner } from '#shared/messages/authorise-owner.ts';
import { receiveMessage } from '#shared/messages/receive.ts';
import { receivedRequest } from '#shared/messages/received-request.ts';
import type { Signer } from '#shared/messages/signature.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { createOwnerClaims } from '#shared/scm/owner-claims.ts';
import { readBody } from '#shared/web/read-body.ts';
import { logPartSchema } from './log-part.ts';
import { parseLogQuery } from './log-query.ts';

/** What serving logs works with. */
export interface ServingLogs {
  readonly signer: Signer;
  readonly store: ObjectStore;
  readonly pollMs: number;
  /** How long a reader waits for a log that has not begun. */
  readonly firstMs: number;
  /** How long one reader may follow. */
  readonly maxFollowMs: number;
}

const receiver = 'pipeline-log';
const maxPartBytes = 512 * 1024;

const headers = {
  'content-type': 'text/plain; charset=utf-8',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
} as const;

/**
 * Takes a part of a build log (POST), or gives a log (GET), with `follow=1` as it grows.
 *
 * @throws CloudError whose status is the answer, if nothing was answered yet.
 */
export async function serveLog(
  deps: ServingLogs,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const logs = createBuildLogs(deps.store);
  if (request.method === 'POST') return await takePart(deps, logs, request, response);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw new CloudError('OFC_METHOD', 'Only GET, HEAD and POST are supported.');
  }
  const received = receivedRequest(request);
  const query = new URLSearchParams(received.rawQuery);
  const name = parseLogQuery(query);
  const claim = await createOwnerClaims(deps.store).of(name.owner);
  authoriseOwner(deps.signer, receiver, received, name.owner, claim?.scm);
  const follows = request.method === 'GET' && query.get('follow') === '1';
  if (follows) return await sendGrowing(deps, logs, name, response, signal);
  const log = await logs.read(name);
  if (log === undefined) throw missing();
  response.writeHead(200, { ...headers, 'content-length': log.length });
  response.end(request.method === 'HEAD' ? undefined : log);
}

async function takePart(
  { signer }: ServingLogs,
  logs: BuildLogs,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const received = receivedRequest(request, await readBody(request, maxPartBytes));
  const part = receiveMessage(signer, receiver, received, logPartSchema, maxPartBytes);
  await logs.add(part, part);
  response.writeHead(204);
  response.end();
}

async function sendGrowing(
  { store, pollMs, firstMs, maxFollowMs: maxMs }: ServingLogs,
  logs: BuildLogs,
  name: Parameters<BuildLogs['read']>[0],
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const text = followLog({ store, logs, pollMs, firstMs, maxMs, signal }, name);
  const first = await text.next();
  if (first.done === true) throw missing();
  response.writeHead(200, headers);
  response.write(first.value);
  try {
    await pipeline(Readable.from(text), response, { signal });
  } catch (error) {
    if (!signal.aborted) throw error; // whoever read it has gone
  }
}

function missing(): CloudError {
  return new CloudError('OFC_NOT_FOUND', 'There is no such build log (yet).');
}
