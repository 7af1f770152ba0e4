import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorMessage } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import {
  appendUpload,
  cancelUpload,
  deleteBlob,
  finishUpload,
  readBlob,
  startUpload,
  uploadStatus,
} from './blobs.ts';
import { listRepositories, listTags } from './lists.ts';
import { deleteManifest, listReferrers, putManifest, readManifest } from './manifests.ts';
import { RegistryError } from './registry-error.ts';
import {
  answer,
  parseTarget,
  type RegistryContext,
  type RegistryTarget,
} from './registry-request.ts';
import { RepositoryFiles } from './repository-files.ts';
import { UploadSessions } from './upload-sessions.ts';

/** Where the images lie, and who may push. */
export interface RegistryOptions {
  readonly folder: string;
  readonly log: Logger;
  /** Whether a request may write; it should check credentials in constant time. */
  readonly authorizePush: (message: IncomingMessage) => boolean;
}

/** The registry as a handler of `/v2/…`. */
export interface Registry {
  /** Answers one request; never rejects. */
  handle(message: IncomingMessage, response: ServerResponse): Promise<void>;
  close(): Promise<void>;
}

type Operation = (context: RegistryContext) => Promise<void>;

const challenge = { 'www-authenticate': 'Basic realm="registry"' };

const operations: Readonly<Record<RegistryTarget['kind'], Readonly<Record<string, Operation>>>> = {
  base: { GET: greet, HEAD: greet },
  catalog: { GET: listRepositories },
  blobs: { GET: readBlob, HEAD: readBlob, DELETE: deleteBlob },
  'blobs/uploads': {
    POST: startUpload,
    PATCH: appendUpload,
    PUT: finishUpload,
    GET: uploadStatus,
    DELETE: cancelUpload,
  },
  manifests: { GET: readManifest, HEAD: readManifest, PUT: putManifest, DELETE: deleteManifest },
  tags: { GET: listTags },
  referrers: { GET: listReferrers },
};

/**
 * An OCI registry over files, for one machine. Anyone who can reach it may pull; who may push,
 * `authorizePush` decides, and only over loopback.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
export async function createRegistry(options: RegistryOptions): Promise<Registry> {
  const files = await RepositoryFiles.open(options.folder);
  const uploads = new UploadSessions(files);

  async function run(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = parseTarget(message.url ?? '');
    const method = message.method ?? '';
    const allowed = operations[target.kind];
    const operation = Object.hasOwn(allowed, method) ? allowed[method] : undefined;
    if (operation === undefined) {
      const allow = Object.keys(allowed).join(', ');
      throw new RegistryError('UNSUPPORTED', `${method} is not supported here.`, { allow });
    }
    authorize(message, method, target.kind, options.authorizePush);
    await operation({ ...target, message, response, files, uploads });
  }

  return {
    handle: async (message, response) => {
      response.setHeader('docker-distribution-api-version', 'registry/2.0');
      try {
        await run(message, response);
      } catch (error) {
        if (message.destroyed && !message.complete) return; // the client went away
        if (!(error instanceof RegistryError)) {
          options.log.error('registry: request failed', { error: errorMessage(error) });
        }
        sendError(message, response, error);
      }
    },
    close: () => uploads.close(),
  };
}

function authorize(
  message: IncomingMessage,
  method: string,
  kind: RegistryTarget['kind'],
  authorizePush: (message: IncomingMessage) => boolean,
): void {
  const reads = kind !== 'blobs/uploads' && (method === 'GET' || method === 'HEAD');
  // `docker login` asks the base path whether its credentials are right.
  if (reads && (kind !== 'base' || message.headers.authorization === undefined)) return;
  const from = message.socket.remoteAddress;
  if (from !== undefined && !/^(?:(?:::ffff:)?127\.|::1$)/.test(from)) {
    throw new RegistryError('DENIED', 'Images can be pushed from this machine only.');
  }
  if (!authorizePush(message)) {
    throw new RegistryError('UNAUTHORIZED', 'Pushing needs credentials.', challenge);
  }
}

/** The challenge tells clients how to log in before they push; pulling works without. */
async function greet({ response }: RegistryContext): Promise<void> {
  answer(response, 200, challenge);
}

function sendError(message: IncomingMessage, response: ServerResponse, thrown: unknown): void {
  const error =
    thrown instanceof RegistryError ? thrown : new RegistryError('UNKNOWN', 'The registry failed.');
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = JSON.stringify({ errors: [{ code: error.code, message: error.message }] });
  response.writeHead(error.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...error.headers,
    ...(message.complete ? {} : { connection: 'close' }),
  });
  response.end(message.method === 'HEAD' ? undefined : body);
  message.resume();
}
