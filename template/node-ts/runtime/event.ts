import type { IncomingMessage } from 'node:http';
import type { FunctionEvent } from '../function/types.ts';
import type { Call } from './call.ts';
import type { RuntimeConfig } from './config.ts';
import { kindOf, parseBody } from './parse-body.ts';
import { parseQuery } from './parse-query.ts';

/**
 * What a classic handler gets of a request.
 *
 * @throws Refusal 400 or 415 if the body cannot be parsed.
 */
export function createEvent(
  { request, path, rawQuery }: Call,
  rawBody: Buffer,
  config: RuntimeConfig,
): FunctionEvent {
  const { headers } = request;
  return {
    body: config.rawBody
      ? rawBody
      : parseBody(rawBody, headers['content-type'], headers['content-encoding']),
    rawBody,
    headers,
    method: request.method ?? 'GET',
    query: parseQuery(rawQuery),
    rawQuery,
    path,
  };
}

/** How many bytes the body of this request may have. */
export function bodyLimit(request: IncomingMessage, config: RuntimeConfig): number {
  const type = request.headers['content-type']?.split(';', 1)[0] ?? '';
  const json = !config.rawBody && kindOf(type.trim().toLowerCase()) === 'json';
  return json ? config.maxJsonBytes : config.maxBodyBytes;
}
