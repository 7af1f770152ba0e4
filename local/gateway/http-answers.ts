import type { IncomingMessage, ServerResponse } from 'node:http';
import * as v from 'valibot';
import { CloudError, toCloudError } from '#shared/errors.ts';

/** Answers with a value as JSON. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  response
    .writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length })
    .end(body);
}

/** Answers with plain text; none at all for an empty one. */
export function sendText(response: ServerResponse, status: number, text = ''): void {
  const body = Buffer.from(text);
  response
    .writeHead(status, {
      ...(body.length === 0 ? {} : { 'Content-Type': 'text/plain; charset=utf-8' }),
      'Content-Length': body.length,
    })
    .end(body);
}

/**
 * Answers with an error as text. What the platform's checks call unprocessable (422) is a bad
 * request (400) for OpenFaaS's clients.
 */
export function sendError(response: ServerResponse, thrown: unknown): void {
  const error = toCloudError(thrown);
  sendText(response, error.status === 422 ? 400 : error.status, error.text);
}

/**
 * Reads a body of at most `limit` bytes.
 *
 * @throws CloudError `OFC_TOO_LARGE`; what remains of the body is then read and dropped.
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const tooLarge = (): CloudError => {
    request.resume();
    return new CloudError('OFC_TOO_LARGE', `The body is over ${limit} bytes.`);
  };
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limit) return void chunks.push(chunk);
      request.off('data', take);
      reject(tooLarge());
    };
    request.on('data', take);
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', reject);
  });
}

const maxJsonBytes = 1024 * 1024;

/** Reads a JSON body. @throws CloudError `OFC_BAD_REQUEST`, `OFC_TOO_LARGE` */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const text = (await readBody(request, maxJsonBytes)).toString('utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CloudError('OFC_BAD_REQUEST', 'The body is not JSON.', { cause: error });
  }
}

/** Reads a JSON body of a given shape. @throws CloudError `OFC_BAD_REQUEST`, `OFC_TOO_LARGE` */
export async function readShape<Schema extends v.GenericSchema>(
  request: IncomingMessage,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  const parsed = v.safeParse(schema, await readJson(request));
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const where = v.getDotPath(issue) ?? 'body';
  throw new CloudError('OFC_BAD_REQUEST', `The request is not valid: ${where}: ${issue.message}.`);
}
