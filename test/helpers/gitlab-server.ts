import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { answerGit } from './git-http-server.ts';
import { type GitRepo, gitRepo, type RepoFiles } from './git-repo.ts';
import { listen } from './listen.ts';

/** A project of {@link TestGitlab}. */
export interface TestProject {
  readonly id: number;
  path: string;
  namespaceId: number;
  visibility: 'public' | 'internal' | 'private';
  topics: string[];
  readonly repo: GitRepo;
}

/** What was asked of the API. */
export interface GitlabCall {
  readonly method: string;
  readonly path: string;
  readonly token: string | undefined;
  readonly body: Record<string, unknown>;
}

/** The parts of GitLab that the platform uses, over HTTP: its API, and git with deploy tokens. */
export interface TestGitlab {
  readonly url: string;
  /** The API token. */
  readonly token: string;
  readonly calls: GitlabCall[];
  /** `Authorization` of each request of git. */
  readonly gitAuthorizations: (string | undefined)[];
  readonly projects: Map<number, TestProject>;
  readonly namespaces: Map<number, string>;
  /** The newest status of each context, and all states that it had. */
  readonly statuses: Map<
    string,
    { state: string; body: Record<string, unknown>; states: string[] }
  >;
  readonly environments: { id: number; name: string; external_url: string | null }[];
  readonly deployments: Record<string, unknown>[];
  /** Deploy tokens that exist now. */
  readonly deployTokens: Map<number, { project: number; username: string; token: string }>;
  /** Called before each call of the API is answered; may answer in its place. */
  intercept: (call: GitlabCall, response: ServerResponse) => void;
  add(
    path: string,
    more?: Partial<Pick<TestProject, 'visibility' | 'topics'>>,
  ): Promise<TestProject>;
  /** Commits; gives the body of the push event. */
  push(project: TestProject, files: RepoFiles, message?: string): Promise<GitlabPush>;
  close(): Promise<void>;
}

/** The body of a push event, to be changed by a test. */
export interface GitlabPush {
  object_kind?: string;
  event_name: string;
  ref: string;
  before: string;
  after: string;
  project_id: number;
  user_username: string;
  project: { path_with_namespace: string; git_http_url: string; [name: string]: unknown };
  commits: { id: string; message: string }[];
}

/** Starts a {@link TestGitlab}. */
export async function startGitlab(): Promise<TestGitlab> {
  const calls: GitlabCall[] = [];
  const git: TestGitlab['gitAuthorizations'] = [];
  const projects: TestGitlab['projects'] = new Map();
  const namespaces: TestGitlab['namespaces'] = new Map();
  const statuses: TestGitlab['statuses'] = new Map();
  const environments: TestGitlab['environments'] = [];
  const deployments: TestGitlab['deployments'] = [];
  const deployTokens: TestGitlab['deployTokens'] = new Map();
  let nextToken = 500;

  const answer = (response: ServerResponse, status: number, body: unknown) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

  const serveGit = (request: IncomingMessage, response: ServerResponse): void => {
    const url = request.url ?? '';
    const [, path = '', rest = ''] = /^\/(.+)\.git(\/.*)$/.exec(url) ?? [];
    const project = [...projects.values()].find((candidate) => candidate.path === path);
    const { authorization } = request.headers;
    git.push(authorization);
    const given = Buffer.from(authorization?.replace(/^Basic /, '') ?? '', 'base64').toString();
    const opens = [...deployTokens.values()].some(
      (known) => known.project === project?.id && `${known.username}:${known.token}` === given,
    );
    if (project === undefined || (project.visibility !== 'public' && !opens)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="GitLab"' }).end();
      return;
    }
    void answerGit(project.repo.folder, rest, request, response);
  };

  const serveProject = async (
    project: TestProject,
    { method, path, body }: GitlabCall,
    response: ServerResponse,
  ): Promise<unknown> => {
    const [rest = '', query = ''] = path.replace(/^\/api\/v4\/projects\/\d+/, '').split('?');
    const is = (wanted: string, pattern: RegExp) => (method === wanted ? pattern.exec(rest) : null);
    if (is('GET', /^$/) !== null) {
      return answer(response, 200, {
        id: project.id,
        path_with_namespace: project.path,
        default_branch: 'main',
        visibility: project.visibility,
        topics: project.topics,
        namespace: { id: project.namespaceId },
      });
    }
    const branch = is('GET', /^\/repository\/branches\/(.+)$/)?.[1];
    if (branch !== undefined) {
      const name = `refs/heads/${decodeURIComponent(branch)}`;
      const id = await project.repo.git('rev-parse', '--verify', '--quiet', name).catch(() => '');
      if (id === '') return answer(response, 404, { message: '404 Branch Not Found' });
      return answer(response, 200, { name: branch, commit: { id } });
    }
    if (is('POST', /^\/statuses\/[0-9a-f]{40}$/) !== null) {
      const { context = '', state = '' } = body as Record<string, string>;
      const known = statuses.get(context);
      if (known !== undefined && known.state === state && /^(?:pending|running)$/.test(state)) {
        const via = state === 'running' ? 'run' : 'enqueue';
        const message = `Cannot transition status via :${via} from :${state} (Reason(s): Status cannot transition via "${via}")`;
        return answer(response, 400, { message });
      }
      const states = [...(known?.states ?? []), state];
      statuses.set(context, { state, body, states });
      return answer(response, 201, { id: 1, name: context, status: state });
    }
    if (is('GET', /^\/environments$/) !== null) {
      const name = new URLSearchParams(query).get('name');
      return answer(
        response,
        200,
        environments.filter((found) => found.name === name),
      );
    }
    if (is('POST', /^\/environments$/) !== null) {
      const { name = '', external_url: url = '' } = body as Record<string, string>;
      const made = { id: environments.length + 1, name, external_url: url };
      environments.push(made);
      return answer(response, 201, made);
    }
    const environment = is('PUT', /^\/environments\/(\d+)$/)?.[1];
    if (environment !== undefined) {
      const found = environments.find(({ id }) => id === Number(environment));
      return answer(response, 200, Object.assign(found ?? {}, body));
    }
    if (is('POST', /^\/deployments$/) !== null) {
      deployments.push(body);
      return answer(response, 201, { id: deployments.length, ...body });
    }
    if (is('POST', /^\/deploy_tokens$/) !== null) {
      const id = nextToken++;
      const made = {
        username: `gitlab+deploy-token-${id}`,
        token: `gldt-${randomBytes(12).toString('hex')}`,
      };
      deployTokens.set(id, { project: project.id, ...made });
      return answer(response, 201, { id, ...body, ...made });
    }
    const token = is('DELETE', /^\/deploy_tokens\/(\d+)$/)?.[1];
    if (token !== undefined) {
      deployTokens.delete(Number(token));
      return response.writeHead(204).end();
    }
    return answer(response, 404, { message: '404 Not Found' });
  };

  const serveApi = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    const { method = '', url: path = '' } = request;
    const token = request.headers['private-token'];
    const hasBody = method === 'POST' || method === 'PUT';
    const body = hasBody ? ((await json(request)) as Record<string, unknown>) : {};
    const call = { method, path, token: typeof token === 'string' ? token : undefined, body };
    calls.push(call);
    gitlab.intercept(call, response);
    if (response.headersSent) return undefined;
    if (call.token !== gitlab.token) return answer(response, 401, { message: '401 Unauthorized' });
    const id = /^\/api\/v4\/projects\/(\d+)/.exec(path)?.[1];
    const project = projects.get(Number(id));
    if (project !== undefined) return serveProject(project, call, response);
    const namespace = /^\/api\/v4\/namespaces\/(\d+)$/.exec(path)?.[1];
    const full = namespaces.get(Number(namespace));
    if (full !== undefined)
      return answer(response, 200, { id: Number(namespace), full_path: full });
    return answer(response, 404, { message: '404 Not Found' });
  };

  const server = await listen((request, response) => {
    if (request.url?.startsWith('/api/v4/')) void serveApi(request, response);
    else serveGit(request, response);
  });

  const gitlab: TestGitlab = {
    url: server.url,
    token: 'glpat-administrator',
    calls,
    gitAuthorizations: git,
    projects,
    namespaces,
    statuses,
    environments,
    deployments,
    deployTokens,
    intercept: () => undefined,
    async add(path, more = {}) {
      const id = 70 + projects.size;
      const namespace = path.slice(0, path.lastIndexOf('/'));
      const known = [...namespaces].find(([, name]) => name === namespace)?.[0];
      const namespaceId = known ?? 30 + namespaces.size;
      namespaces.set(namespaceId, namespace);
      const repo = await gitRepo('unused');
      const defaults = { visibility: 'public', topics: ['openfaas-cloud'] } as const;
      const project: TestProject = {
        ...{ id, path, namespaceId, repo, visibility: defaults.visibility },
        topics: [...defaults.topics],
        ...more,
      };
      projects.set(id, project);
      return project;
    },
    async push(project, files, message = 'A change') {
      const before = await project.repo
        .git('rev-parse', '--verify', '--quiet', 'HEAD')
        .catch(() => '');
      const after = await project.repo.commit(files, message);
      return {
        object_kind: 'push',
        event_name: 'push',
        ref: 'refs/heads/main',
        before: before === '' ? '0'.repeat(40) : before,
        after,
        project_id: project.id,
        user_username: 'jsmith',
        project: {
          name: 'A Display Name',
          namespace: 'Another Display Name',
          path_with_namespace: project.path,
          git_http_url: `${server.url}/${project.path}.git`,
        },
        commits: [{ id: after, message }],
      };
    },
    async close() {
      await server.close();
      for (const { repo } of projects.values()) await repo.remove();
    },
  };
  return gitlab;
}
