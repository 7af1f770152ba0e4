import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { listen } from './listen.ts';

/** A check run as the API gives it. */
export interface FakeCheckRun extends Record<string, unknown> {
  readonly id: number;
  readonly name: string;
}

/** What was asked of the API. */
export interface FakeCall {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: Record<string, unknown>;
}

/** The parts of GitHub's API that statuses need, over HTTP. */
export interface FakeGithub {
  readonly url: string;
  readonly calls: FakeCall[];
  readonly runs: FakeCheckRun[];
  readonly statuses: Record<string, unknown>[];
  /** Called before each write; may answer in its place, or hold it up. */
  intercept: (call: FakeCall, response: ServerResponse) => void | Promise<void>;
  close(): Promise<void>;
}

/** Starts a {@link FakeGithub}. */
export async function startFakeGithub(): Promise<FakeGithub> {
  const calls: FakeCall[] = [];
  const runs: FakeCheckRun[] = [];
  const statuses: Record<string, unknown>[] = [];

  const answer = (response: ServerResponse, status: number, body: unknown) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = '', url: path = '' } = request;
    const { authorization } = request.headers;
    const body = method === 'GET' ? {} : ((await json(request)) as Record<string, unknown>);
    const call = { method, path, authorization, body };
    calls.push(call);
    if (/^\/app\/installations\/\d+\/access_tokens$/.test(path)) {
      const expires_at = new Date(Date.now() + 3_600_000).toISOString();
      return answer(response, 201, { token: 'ghs_token', expires_at, permissions: {} });
    }
    await github.intercept(call, response);
    if (response.headersSent) return;
    const update = /\/check-runs\/(\d+)$/.exec(path);
    if (method === 'POST' && path.endsWith('/check-runs')) {
      const run = { id: 1000 + runs.length, ...body } as unknown as FakeCheckRun;
      runs.push(run);
      return answer(response, 201, run);
    }
    if (method === 'PATCH' && update !== null) {
      const run = runs.find(({ id }) => id === Number(update[1]));
      return answer(response, 200, Object.assign(run ?? {}, body));
    }
    if (method === 'GET' && path.includes('/check-runs')) {
      const name = new URL(path, 'http://x').searchParams.get('check_name');
      const found = runs.filter((run) => run.name === name);
      return answer(response, 200, { total_count: found.length, check_runs: found });
    }
    if (path.includes('/statuses/')) {
      statuses.push(body);
      return answer(response, 201, { id: statuses.length, ...body });
    }
    return answer(response, 404, { message: 'Not Found' });
  };

  const server = await listen((request, response) => void serve(request, response));
  const github: FakeGithub = {
    url: server.url,
    calls,
    runs,
    statuses,
    intercept: () => undefined,
    close: () => server.close(),
  };
  return github;
}
