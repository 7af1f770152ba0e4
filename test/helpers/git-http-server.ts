import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { listen } from './listen.ts';

/** A working copy served by git's own HTTP server at `<url>`. */
export interface GitHttpServer {
  readonly url: string;
  readonly origin: string;
  /** Each request: method, path with query, and `Authorization`. */
  readonly requests: { readonly path: string; readonly authorization: string | undefined }[];
  /** Answers a request in git's place; true if it did. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
  close(): Promise<void>;
}

/** Serves the repo in `folder` with `git http-backend`; any commit of it can be fetched by its id. */
export async function serveGit(folder: string): Promise<GitHttpServer> {
  const requests: GitHttpServer['requests'] = [];
  const listening = await listen((request, response) => {
    const path = request.url ?? '';
    requests.push({ path, authorization: request.headers.authorization });
    const rest = path.replace(/^\/[^/]+/, '');
    if (!server.intercept(request, response)) void answerGit(folder, rest, request, response);
  });
  const server: GitHttpServer = {
    url: `${listening.url}/repo.git`,
    origin: listening.url,
    requests,
    intercept: () => false,
    close: listening.close,
  };
  return server;
}

/** One call of git's CGI program: `path` is what the request asks for below the repo in `folder`. */
export async function answerGit(
  folder: string,
  pathAndQuery: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = '', query = ''] = pathAndQuery.split('?');
  const child = spawn('git', ['-c', 'uploadpack.allowAnySHA1InWant=true', 'http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: process.env['PATH'],
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'uploadpack.allowAnySHA1InWant',
      GIT_CONFIG_VALUE_0: 'true',
      GIT_CONFIG_KEY_1: 'safe.directory',
      GIT_CONFIG_VALUE_1: '*',
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: join('/.git', path),
      REQUEST_METHOD: request.method,
      QUERY_STRING: query,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  const output = await buffer(child.stdout);
  const end = output.indexOf('\r\n\r\n');
  let status = 200;
  for (const line of output.subarray(0, end).toString().split('\r\n')) {
    const [name = '', value = ''] = line.split(': ');
    if (name === 'Status') status = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(status).end(output.subarray(end + 4));
}
