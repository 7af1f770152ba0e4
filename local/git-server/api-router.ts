import type { IncomingMessage, ServerResponse } from 'node:http';
import { authenticate, type Caller } from './api-auth.ts';
import { HttpError, notFound } from './http-error.ts';
import type { GitServerOptions } from './options.ts';
import { parseObject, readText } from './request-body.ts';
import type { Tokens } from './tokens.ts';

/** One request to the REST API. */
export interface ApiCall {
  readonly caller: Caller;
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
  /** The address as the client sees it, without its query: for `Link`. */
  readonly address: string;
  readonly accept: string;
  /** A part of the path that the route names. */
  param(name: string): string;
}

/** An answer: JSON, or `raw` bytes. */
export interface ApiAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly raw?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Method, path with `:names` (a last `*name` takes the rest), and what answers. */
export type Route = readonly [
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  handler: (call: ApiCall) => ApiAnswer | Promise<ApiAnswer>,
];

interface RouterOptions {
  readonly app: GitServerOptions['app'];
  readonly tokens: Tokens;
  readonly publicUrl: () => string;
}

/** Makes the handler of everything below `/api/v3`; `path` begins there. */
export function createApiRouter(routes: readonly Route[], options: RouterOptions) {
  const table = routes.map(([method, path, handler]) => ({
    method,
    parts: path.split('/'),
    handler,
  }));

  return async (
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    path: string,
  ): Promise<void> => {
    const parts = path.split('/').map(decodePart);
    const onPath = table.flatMap((route) => {
      const params = matchParts(route.parts, parts);
      return params === undefined ? [] : [{ ...route, params }];
    });
    const route = onPath.find(({ method }) => method === request.method);
    if (route === undefined) throw notFound();
    const caller = authenticate(request, options.tokens, options.app);
    const body = request.method === 'GET' ? {} : parseObject(await readText(request));
    const answer = await route.handler({
      caller,
      query: url.searchParams,
      body,
      address: `${options.publicUrl()}/api/v3${path}`,
      accept: request.headers.accept ?? '',
      param: (name) => route.params[name] ?? '',
    });
    response.writeHead(answer.status, {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-github-media-type': 'github.v3; format=json',
      ...answer.headers,
    });
    response.end(
      answer.raw ?? (answer.body === undefined ? undefined : JSON.stringify(answer.body)),
    );
  };
}

function matchParts(
  pattern: readonly string[],
  parts: readonly string[],
): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const part = parts[index];
    if (expected.startsWith('*')) {
      params[expected.slice(1)] = parts.slice(index).join('/');
      return params;
    }
    if (part === undefined) return undefined;
    if (expected.startsWith(':')) params[expected.slice(1)] = part;
    else if (expected !== part) return undefined;
  }
  return pattern.length === parts.length ? params : undefined;
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new HttpError(400, 'The address is not valid.');
  }
}
