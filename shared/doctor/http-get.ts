import { lookup } from 'node:dns/promises';
import { request } from 'undici';

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** How far the server's clock is ahead of ours, in milliseconds, as exact as its `Date` header. */
  readonly clockMs: number | undefined;
}

const maxBytes = 1024 * 1024;

/**
 * Gets a URL without following redirects.
 *
 * @throws What the connection failed with.
 */
export async function httpGet(
  url: string,
  { headers = {}, signal }: { headers?: Record<string, string>; signal: AbortSignal },
): Promise<Answer> {
  const target = new URL(url);
  const { host } = target;
  // The system's resolver need not know *.localhost (RFC 6761).
  if (target.hostname.endsWith('.localhost')) target.hostname = '127.0.0.1';
  const before = Date.now();
  const answer = await request(target, { headers: { host, ...headers }, signal });
  const middle = (before + Date.now()) / 2;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) break;
    chunks.push(chunk);
  }
  const date = Date.parse(String(answer.headers['date'] ?? ''));
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: Buffer.concat(chunks).toString('utf8'),
    // The header counts whole seconds.
    clockMs: Number.isNaN(date) ? undefined : date + 500 - middle,
  };
}

/** Whether a host name has an address. */
export async function resolves(hostname: string): Promise<boolean> {
  if (hostname.endsWith('.localhost')) return true;
  return lookup(hostname).then(
    () => true,
    () => false,
  );
}

/** Why a connection failed, in short: `ECONNREFUSED`. */
export function failure(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message ?? 'unknown error';
}
