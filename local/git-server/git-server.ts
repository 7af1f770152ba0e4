import { mkdir } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { errorMessage } from '#shared/errors.ts';
import { html } from '#shared/web/html.ts';
import { appRoutes } from './api-app.ts';
import { commitRoutes } from './api-commits.ts';
import { deploymentRoutes } from './api-deployments.ts';
import { hookRoutes } from './api-hooks.ts';
import { repoRoutes } from './api-repos.ts';
import { createApiRouter } from './api-router.ts';
import { userRoutes } from './api-users.ts';
import { openDeliveries } from './deliveries.ts';
import { createGit } from './git-process.ts';
import { addressesOf } from './github-shapes.ts';
import { HttpError } from './http-error.ts';
import { createMaintenance } from './maintenance.ts';
import { createOAuth } from './oauth.ts';
import type { GitServerOptions } from './options.ts';
import { sendPage } from './page-layout.ts';
import { createPages } from './pages.ts';
import { createPushes } from './pushes.ts';
import { createRepoRecords } from './repo-records.ts';
import { openRepoStore } from './repo-store.ts';
import { requireThisMachine } from './request-guard.ts';
import { createKnownCommits, type Services } from './services.ts';
import { createSmartHttp } from './smart-http.ts';
import { openTokens } from './tokens.ts';

export type { GitServerOptions } from './options.ts';

/** A git host on one machine. */
export interface GitServer {
  /** Answers a request whose path lies at or below `basePath`; false (and no answer) for others. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
  /** Ends running requests and stops sending webhooks; what is not delivered is sent after the next start. */
  close(): Promise<void>;
}

const maxPushBytes = 1024 ** 3;
const quietMs = 60_000;

/**
 * Makes a git server that behaves as GitHub does towards its users and the app: repos over HTTP,
 * signed webhooks, the REST API for checks, statuses and deployments, OAuth log-in, and a page per
 * repo. It trusts everybody on this machine and serves nobody else.
 */
export function createGitServer(options: GitServerOptions): GitServer {
  const { folder, basePath, publicUrl, webhook, app, log } = options;
  const git = createGit(join(folder, 'home'));
  const store = openRepoStore(folder);
  const tokens = openTokens(join(folder, 'tokens.json'));
  const records = createRepoRecords(store);
  const deliveries = openDeliveries({
    folder: join(folder, 'deliveries'),
    url: webhook.url,
    secret: webhook.secret,
    hostHeader: webhook.hostHeader,
    appId: app.id,
    log,
  });
  const maintenance = createMaintenance(git, log, options.quietMs ?? quietMs);
  const pushes = createPushes({
    git,
    maintenance,
    store,
    deliveries,
    folder: join(folder, 'pushes'),
    appId: app.id,
    publicUrl,
  });
  // An earlier process may have ended before a quiet moment came.
  for (const repo of store.repos())
    maintenance.note(`${store.folderOf(repo.owner, repo.name)}/git`);
  const addresses = () => addressesOf(publicUrl());
  const services: Services = {
    git,
    store,
    records,
    pushes,
    deliveries,
    tokens,
    appId: app.id,
    addresses,
    knownCommits: createKnownCommits(),
  };

  let empty: Promise<string> | undefined;
  const emptyRepo = (): Promise<string> => {
    empty ??= (async () => {
      const path = join(folder, 'empty.git');
      await mkdir(path, { recursive: true });
      await git.read(path, ['init', '--quiet', '--bare', '--template=', '--initial-branch=main']);
      return path;
    })();
    return empty;
  };

  const smartHttp = createSmartHttp({
    git,
    store,
    pushes,
    tokens,
    emptyRepo,
    maxPushBytes: options.maxPushBytes ?? maxPushBytes,
    publicUrl,
    log,
  });
  const routes = [appRoutes, userRoutes, repoRoutes, commitRoutes, deploymentRoutes, hookRoutes];
  const api = createApiRouter(
    routes.flatMap((make) => make(services)),
    { app, tokens, publicUrl },
  );
  const oauth = createOAuth({ app, store, tokens, basePath });
  const pages = createPages(services, basePath);

  // What an earlier process owes is told before anything new.
  const ready = deliveries
    .resume()
    .then(() => pushes.recover())
    .catch((error: unknown) =>
      log.error('Earlier pushes could not be read.', { error: errorMessage(error) }),
    );

  const answer = async (
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    path: string,
  ): Promise<void> => {
    requireThisMachine(request);
    await ready;
    if (path.startsWith('/api/v3/'))
      return api(request, response, url, path.slice('/api/v3'.length));
    if (path.startsWith('/login/')) {
      if (await oauth(request, response, url, path)) return;
    } else if (await smartHttp(request, response, url, path)) return;
    await pages(request, response, path);
  };

  const serve = async (
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    path: string,
  ): Promise<void> => {
    try {
      await answer(request, response, url, path);
    } catch (error) {
      if (!(error instanceof HttpError)) {
        log.error('A git request failed.', { path, error: errorMessage(error) });
      }
      sendError(response, path, error);
    }
  };
  const running = new Set<Promise<void>>();

  return {
    handle: async (request, response) => {
      const target = request.url ?? '/';
      if (!URL.canParse(target, 'http://localhost')) return false;
      const url = new URL(target, 'http://localhost');
      if (url.pathname !== basePath && !url.pathname.startsWith(`${basePath}/`)) return false;
      const served = serve(request, response, url, url.pathname.slice(basePath.length));
      running.add(served);
      await served.finally(() => running.delete(served));
      return true;
    },
    close: async () => {
      maintenance.close();
      git.close();
      await ready;
      await Promise.all(running);
      await deliveries.close();
    },
  };
}

function sendError(response: ServerResponse, path: string, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const known =
    error instanceof HttpError ? error : new HttpError(500, 'Something went wrong; see the log.');
  const { status, message, errors } = known;
  // git asks for a password only if it is told that one would help.
  if (status === 401) response.setHeader('www-authenticate', 'Basic realm="git"');
  if (path.startsWith('/api/')) {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
    const documentation = 'https://docs.github.com/rest';
    response.end(
      JSON.stringify({
        message,
        ...(errors.length > 0 ? { errors } : {}),
        documentation_url: documentation,
        status: String(status),
      }),
    );
  } else if (/\/(?:info\/refs|git-(?:upload|receive)-pack)$/.test(path)) {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${message}\n`);
  } else {
    sendPage(response, message, html`<h1>${status}</h1><p>${message}</p>`, { status });
  }
}
