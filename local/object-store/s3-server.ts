import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { errorMessage } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { MultipartUploads } from './multipart.ts';
import { ObjectFiles } from './object-files.ts';
import { route } from './route.ts';
import { createContext, sendXml } from './s3-context.ts';
import { S3Error } from './s3-error.ts';
import { parseRequest } from './s3-request.ts';
import { type S3Identity, verifySignature } from './sigv4.ts';
import { xmlDocument } from './xml.ts';

/** Where the objects lie, and who may use them. */
export interface S3ServerOptions extends S3Identity {
  readonly folder: string;
  readonly log: Logger;
  /** 0 or absent = a free one. */
  readonly port?: number;
  /** The clock, for tests. */
  readonly now?: () => number;
}

/** A running store. */
export interface S3Server {
  readonly url: string;
  /** Stops listening; requests under way have five seconds to end. */
  close(): Promise<void>;
}

const graceMs = 5_000;
const maxDrainBytes = 1024 ** 2;

/**
 * A small S3 server over files, on loopback: the object store of a machine that has no other. It
 * speaks the parts of the API that the platform and the SDK's uploads use, path style, with
 * Signature V4 checked; anything else is refused as `NotImplemented`.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html
 */
export async function createS3Server(options: S3ServerOptions): Promise<S3Server> {
  const { folder, log, now = Date.now } = options;
  const files = await ObjectFiles.open(folder);
  const uploads = await MultipartUploads.open(join(folder, 'uploads'), files);

  async function handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = randomUUID();
    response.setHeader('x-amz-request-id', requestId);
    response.on('error', () => {}); // the client went away
    try {
      const request = parseRequest(message);
      const signed = verifySignature(request, options, now());
      await route(request)(createContext({ request, response, files, uploads }, signed));
    } catch (error) {
      if (message.destroyed && !message.complete) return; // the client went away
      if (!(error instanceof S3Error)) {
        log.error('object store: request failed', { requestId, error: errorMessage(error) });
      }
      sendError(message, response, error, requestId);
    }
  }

  const server = createServer({ keepAliveTimeout: 60_000 });
  server.on('request', handle);
  server.on('checkContinue', handle);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        const force = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(force);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function sendError(
  message: IncomingMessage,
  response: ServerResponse,
  thrown: unknown,
  requestId: string,
): void {
  const error =
    thrown instanceof S3Error ? thrown : new S3Error('InternalError', 'The store failed.');
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What is left of the body must be read before the connection can be used again; not if it is much.
  if (!message.complete) {
    const { 'content-length': length } = message.headers;
    if (length === undefined || Number(length) > maxDrainBytes) {
      response.setHeader('connection', 'close');
    }
    message.resume();
  }
  if (message.method === 'HEAD') {
    response.writeHead(error.status).end();
    return;
  }
  const content = [
    ['Code', error.code],
    ['Message', error.message],
    ['RequestId', requestId],
  ] as const;
  sendXml(response, xmlDocument('Error', content), error.status);
}
