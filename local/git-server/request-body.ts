import type { IncomingMessage } from 'node:http';
import { HttpError } from './http-error.ts';

const maxBytes = 1024 * 1024;

/**
 * Reads a small request body as text.
 *
 * @throws HttpError 413 over 1 MiB
 */
export async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > maxBytes) throw new HttpError(413, 'The request body is over 1 MiB.');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * The fields of a form or of a JSON object; other values than text are left out.
 *
 * @throws HttpError 400, 413
 */
export async function readFields(request: IncomingMessage): Promise<Map<string, string>> {
  const text = await readText(request);
  const isJson = request.headers['content-type']?.includes('json') ?? false;
  const entries = isJson ? Object.entries(parseObject(text)) : [...new URLSearchParams(text)];
  return new Map(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/**
 * Parses a JSON object; an empty text is an empty object, as in GitHub's API.
 *
 * @throws HttpError 400
 */
export function parseObject(text: string): Record<string, unknown> {
  if (text === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new HttpError(400, 'Problems parsing JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HttpError(400, 'Body should be a JSON object');
  }
  return value as Record<string, unknown>;
}
