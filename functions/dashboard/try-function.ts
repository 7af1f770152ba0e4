import { request } from 'undici';
import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import { requestHeaders } from '#shared/router/request-headers.ts';
import { parseTarget } from '#shared/router/target.ts';
import type { TriedAnswer } from './api/schemas.ts';
import type { Relaying } from './relay.ts';

/** A request as somebody writes it on the page. */
export const trialSchema = v.object({
  owner: v.string(),
  function: v.string(),
  method: v.picklist(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']),
  /** Below the function, with its query. */
  path: v.pipe(v.string(), v.startsWith('/'), v.maxLength(4000)),
  headers: v.pipe(
    v.array(
      v.object({
        name: v.pipe(v.string(), v.regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/)),
        value: v.pipe(v.string(), v.regex(/^[\t -~]{0,4000}$/)),
      }),
    ),
    v.maxLength(50),
  ),
  body: v.pipe(v.string(), v.maxLength(64 * 1024)),
});

const maxAnswerBytes = 256 * 1024;
const timeoutMs = 30_000;

/**
 * Sends a request to one function, through the gateway and nowhere else: the name is one that the gateway
 * told, the path cannot leave it, and no redirect is followed. Headers are those that the router would
 * let through.
 *
 * @param service The deployed name.
 * @param url Where visitors reach the function; it sees this host.
 * @throws CloudError `OFC_BAD_REQUEST`, `OFC_UPSTREAM`
 */
export async function tryFunction(
  { gatewayUrl, dispatcher }: Pick<Relaying, 'gatewayUrl' | 'dispatcher'>,
  service: string,
  url: string,
  trial: v.InferOutput<typeof trialSchema>,
  signal: AbortSignal,
): Promise<TriedAnswer> {
  const { method, path, headers, body } = trial;
  const target = parseTarget(`/${service}${path}`);
  if (typeof target === 'number') {
    throw new CloudError('OFC_BAD_REQUEST', 'The path cannot be read in one way only.', {
      hint: 'Encode special characters; leave out dot segments and empty segments.',
    });
  }
  const { host, protocol } = new URL(url);
  const facts = {
    callId: crypto.randomUUID(),
    address: '127.0.0.1',
    host,
    scheme: protocol === 'https:' ? 'https' : 'http',
    keepCookies: false,
  } as const;
  const raw = headers.flatMap(({ name, value }) => [name, value]);
  const began = performance.now();
  const hasBody = body !== '' && method !== 'GET' && method !== 'HEAD';
  const answer = await request(`${gatewayUrl}/function${target.path}${target.query}`, {
    dispatcher,
    method,
    headers: requestHeaders(raw, facts),
    ...(hasBody && { body }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  }).catch((error: unknown) => {
    throw new CloudError('OFC_UPSTREAM', `${trial.function} did not answer in time.`, {
      cause: error,
    });
  });
  const { bytes, truncated } = await readSome(answer.body);
  return {
    status: answer.statusCode,
    headers: Object.entries(answer.headers).map(([name, value]) => ({
      name,
      value: Array.isArray(value) ? value.join(', ') : (value ?? ''),
    })),
    body: bytes.toString('utf8'),
    truncated,
    ms: Math.round(performance.now() - began),
  };
}

async function readSome(
  body: AsyncIterable<Buffer> & { destroy(): unknown },
): Promise<{ bytes: Buffer; truncated: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxAnswerBytes) break;
    }
  } catch (error) {
    throw new CloudError('OFC_UPSTREAM', 'The answer broke off.', { cause: error });
  } finally {
    body.destroy();
  }
  const bytes = Buffer.concat(chunks).subarray(0, maxAnswerBytes);
  return { bytes, truncated: size > maxAnswerBytes };
}
