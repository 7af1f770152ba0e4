import { createHmac, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { answerGit } from './git-http-server.ts';
import { type GitRepo, gitRepo, type RepoFiles } from './git-repo.ts';
import { listen } from './listen.ts';

/** A repo of {@link TestGitea}. */
export interface GiteaRepo {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  readonly private: boolean;
  readonly repo: GitRepo;
}

/** The newest status of a context, and all states that it had. */
export interface GiteaStatus {
  readonly body: Readonly<Record<string, unknown>>;
  readonly states: readonly string[];
}

/** The parts of Gitea that the platform uses, over HTTP: commit statuses, and git with a token. */
export interface TestGitea {
  readonly url: string;
  /** May write statuses, and is never sent to git. */
  readonly apiToken: string;
  /** Reads private repos, and is never sent to the API. */
  readonly cloneToken: string;
  readonly statuses: Map<string, GiteaStatus>;
  /** `Authorization` of each request of the API, and of git. */
  readonly apiAuthorizations: (string | undefined)[];
  readonly gitAuthorizations: (string | undefined)[];
  add(owner: string, name: string, isPrivate?: boolean): Promise<GiteaRepo>;
  /** Commits; gives the body of the push event. */
  push(repo: GiteaRepo, files: RepoFiles, message?: string): Promise<Record<string, unknown>>;
  /** The body of a `repository` event. */
  repositoryEvent(repo: GiteaRepo, action: 'created' | 'deleted'): Record<string, unknown>;
  close(): Promise<void>;
}

/**
 * The headers of a webhook. Gitea sends each under the names of its forerunners too.
 *
 * @see https://docs.gitea.com/usage/webhooks
 */
export function giteaHeaders(
  event: string,
  body: string,
  secret: string,
  delivery = randomUUID(),
): Record<string, string> {
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  return {
    'content-type': 'application/json',
    'x-gitea-delivery': delivery,
    'x-gitea-event': event,
    'x-gitea-event-type': event,
    'x-gitea-signature': signature,
    'x-gogs-event': event,
    'x-github-delivery': delivery,
    'x-github-event': event,
    'x-hub-signature-256': `sha256=${signature}`,
  };
}

/** Starts a {@link TestGitea}. */
export async function startGitea(): Promise<TestGitea> {
  const repos = new Map<string, GiteaRepo>();
  const statuses: TestGitea['statuses'] = new Map();
  const apiAuthorizations: TestGitea['apiAuthorizations'] = [];
  const gitAuthorizations: TestGitea['gitAuthorizations'] = [];
  const owners: string[] = [];

  const serveGit = (request: IncomingMessage, response: ServerResponse): void => {
    const [, path = '', rest = ''] = /^\/(.+)\.git(\/.*)$/.exec(request.url ?? '') ?? [];
    const found = repos.get(path);
    const { authorization } = request.headers;
    gitAuthorizations.push(authorization);
    const given = Buffer.from(authorization?.replace(/^Basic /, '') ?? '', 'base64').toString();
    if (found === undefined || (found.private && given.split(':')[1] !== gitea.cloneToken)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="Gitea"' }).end();
      return;
    }
    void answerGit(found.repo.folder, rest, request, response);
  };

  const serveApi = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const { authorization } = request.headers;
    apiAuthorizations.push(authorization);
    if (authorization !== `token ${gitea.apiToken}`) {
      answer(401, { message: 'invalid username, password or token' });
      return;
    }
    const found = /^\/api\/v1\/repos\/([^/]+\/[^/]+)\/statuses\/[0-9a-f]{40}$/.exec(
      request.url ?? '',
    );
    if (request.method !== 'POST' || found === null || !repos.has(found[1] ?? '')) {
      answer(404, { message: 'The target could not be found.' });
      return;
    }
    const body = (await json(request)) as Record<string, unknown>;
    const [context, state] = [String(body['context']), String(body['state'])];
    if (!['pending', 'success', 'error', 'failure', 'warning'].includes(state)) {
      answer(422, { message: `unknown state ${state}` });
      return;
    }
    const states = [...(statuses.get(context)?.states ?? []), state];
    statuses.set(context, { body, states });
    answer(201, { id: states.length, status: state, context });
  };

  const server = await listen((request, response) => {
    if (request.url?.startsWith('/api/v1/')) void serveApi(request, response);
    else serveGit(request, response);
  });

  const user = (login: string) => {
    const known = owners.indexOf(login);
    const id = known === -1 ? owners.push(login) : known + 1;
    return { id, login, login_name: '', full_name: '', username: login };
  };
  const repository = ({ id, owner, name, private: isPrivate }: GiteaRepo) => ({
    ...{ id, owner: user(owner), name, full_name: `${owner}/${name}`, private: isPrivate },
    ...{ internal: false, fork: false, default_branch: 'main' },
    html_url: `${server.url}/${owner}/${name}`,
    clone_url: `${server.url}/${owner}/${name}.git`,
  });
  const gitea: TestGitea = {
    url: server.url,
    apiToken: 'gitea-token-of-the-api',
    cloneToken: 'gitea-token-for-clones',
    statuses,
    apiAuthorizations,
    gitAuthorizations,
    async add(owner, name, isPrivate = false) {
      const repo = await gitRepo('unused');
      const made = { id: 140 + repos.size, owner, name, private: isPrivate, repo };
      repos.set(`${owner}/${name}`, made);
      return made;
    },
    async push(of, files, message = 'A change') {
      const before = await of.repo.git('rev-parse', '--verify', '--quiet', 'HEAD').catch(() => '');
      const after = await of.repo.commit(files, message);
      const commit = { id: after, message, url: `${server.url}/${of.owner}/${of.name}/${after}` };
      return {
        ref: 'refs/heads/main',
        before: before === '' ? '0'.repeat(40) : before,
        after,
        compare_url: '',
        commits: [commit],
        total_commits: 1,
        head_commit: commit,
        repository: repository(of),
        pusher: user(of.owner),
        sender: user(of.owner),
      };
    },
    repositoryEvent: (of, action) => ({
      action,
      repository: repository(of),
      organization: user(of.owner),
      sender: user(of.owner),
    }),
    async close() {
      await server.close();
      for (const { repo } of repos.values()) await repo.remove();
    },
  };
  return gitea;
}
