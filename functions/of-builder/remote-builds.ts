import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RawContext } from '#runtime-types';
import { type BuildResult, openBuildAnswer } from '#shared/builder/build-answer.ts';
import type { Builder } from '#shared/builder/builder.ts';
import { receiveBody } from '#shared/builder/receive-body.ts';
import { contextTar } from '#shared/buildkit/context-tar.ts';
import { deadline } from '#shared/deadline.ts';
import { CloudError, toCloudError } from '#shared/errors.ts';
import { parseImageReference } from '#shared/registry/image-reference.ts';
import { describePublicKey, openSecrets, type SealingKeys } from '#shared/sealed-box.ts';
import type { SourceLimits } from '#shared/shrinkwrap/limits.ts';
import { type BuilderRequest, readRequest } from '#shared/tar/read-builder-request.ts';
import type { OwnerSlots } from './owner-slots.ts';

/** What serving OpenFaaS's builder protocol works with. */
export interface RemoteBuilds {
  readonly builder: Builder;
  /** Signs requests, in `X-Build-Signature`. */
  readonly payloadSecret: string;
  /** For build secrets: the current pair first. */
  readonly sealingKeys: readonly SealingKeys[];
  readonly slots: OwnerSlots;
  readonly limits: SourceLimits;
  readonly timeoutMs: number;
}

/** Config, secrets, headers and padding beside the context itself. */
const overheadBytes = 16 * 1024 * 1024;
const nowhere = {
  directory: async () => undefined,
  file: async (_path: string, _mode: number, content: AsyncIterable<Buffer>) => {
    for await (const _ of content);
  },
};

/**
 * Serves the protocol of OpenFaaS's builder, as `faas-cli publish --remote-builder` speaks it: `/build`,
 * `/publickey` and `/healthz`.
 *
 * @throws CloudError for a request that is no build: it becomes the answer's status
 * @see https://docs.openfaas.com/openfaas-pro/builder/
 */
export async function serveRemoteBuilds(
  deps: RemoteBuilds,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  { signal }: RawContext,
): Promise<void> {
  const method = { '/healthz': 'GET', '/publickey': 'GET', '/build': 'POST' }[path];
  if (method === undefined) throw new CloudError('OFC_NOT_FOUND', `There is no ${path} here.`);
  if (request.method !== method) {
    throw new CloudError('OFC_METHOD', `Only ${method} is supported for ${path}.`);
  }
  if (path === '/healthz') response.end('OK');
  else if (path === '/publickey') sendPublicKey(deps, response);
  else await build(deps, request, response, signal);
}

function sendPublicKey({ sealingKeys: [pair] }: RemoteBuilds, response: ServerResponse): void {
  if (pair === undefined) {
    throw new CloudError('OFC_NOT_FOUND', 'This builder takes no build secrets.', {
      hint: 'The operator has to create the secret builder-private-key.',
    });
  }
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(describePublicKey(pair.publicKey)));
}

async function build(
  deps: RemoteBuilds,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'build-'));
  try {
    const file = join(folder, 'request.tar');
    const maxBytes = deps.limits.maxTotalBytes + overheadBytes;
    await receiveBody(request, { path: file, secret: deps.payloadSecret, maxBytes });
    const asked = await readRequest(createReadStream(file), deps.limits, nowhere);
    const { repository } = parseImageReference(asked.config.image);
    const free = deps.slots.take(repository);
    if (free === undefined) {
      response.setHeader('retry-after', '5');
      throw new CloudError('OFC_BUSY', 'The builder is busy.', { hint: 'Try again in a while.' });
    }
    try {
      await answerBuild(deps, file, asked, request, response, signal);
    } finally {
      free();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** From here on the answer is 200, and its last object says how it ended. */
async function answerBuild(
  { builder, sealingKeys, limits, timeoutMs }: RemoteBuilds,
  file: string,
  { config, secrets: sealed }: BuilderRequest,
  request: IncomingMessage,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  const streaming = /application\/x-ndjson/.test(request.headers.accept ?? '');
  const answer = openBuildAnswer(response, streaming);
  const limit = deadline(timeoutMs, gone);
  const run = async (): Promise<BuildResult> => {
    const { image, digest } = await builder.build({
      context: {
        open: async () => contextTar(createReadStream(file), limits, { keepRoot: true }),
      },
      image: config.image,
      scope: parseImageReference(config.image).repository,
      buildArgs: config.buildArgs,
      labels: config.labels ?? {},
      platforms: config.platforms,
      skipPush: config.skipPush,
      secrets: openBuildSecrets(sealed, sealingKeys),
      onLog: answer.log,
      signal: limit.signal,
    });
    return { status: 'success', image, ...(digest !== undefined && { digest }) };
  };
  const result = await run().catch((error: unknown): BuildResult => {
    const failure = toCloudError(error);
    const late = failure.code === 'OFC_TIMEOUT' && !gone.aborted;
    const text = late ? `The build took longer than ${timeoutMs / 1000} s.` : failure.text;
    return { status: 'failed', image: config.image, error: text };
  });
  limit.clear();
  answer.end(result);
}

function openBuildSecrets(
  sealed: Buffer | undefined,
  keys: readonly SealingKeys[],
): ReadonlyMap<string, Buffer> {
  if (sealed === undefined) return new Map();
  if (keys.length === 0) {
    throw new CloudError('OFC_BAD_REQUEST', 'This builder takes no build secrets.', {
      hint: 'The operator has to create the secret builder-private-key.',
    });
  }
  const opened = openSecrets(sealed.toString('utf8'), keys);
  return new Map([...opened].map(([id, { value }]) => [id, value]));
}
