import * as v from 'valibot';
import { requireOwner } from './api-auth.ts';
import type { ApiAnswer, ApiCall, Route } from './api-router.ts';
import { type Commit, readCommits } from './commits.ts';
import { readContents } from './contents.ts';
import { type Json, repositoryJson } from './github-shapes.ts';
import { notFound } from './http-error.ts';
import { paginate } from './paginate.ts';
import { parseRepoPath } from './repo-path.ts';
import { type FoundRepo, findRepo, requireCommit, requireRepo, type Services } from './services.ts';
import { validate } from './validate.ts';

const settingsSchema = v.object({ private: v.optional(v.boolean()) });

/**
 * Repos, their commits and files.
 *
 * @see https://docs.github.com/en/rest/repos
 */
export function repoRoutes(services: Services): Route[] {
  const { store, pushes } = services;
  const show = ({ repo, owner }: FoundRepo, status = 200): ApiAnswer => ({
    status,
    body: repositoryJson(repo, owner, services.addresses()),
  });
  const findOwn = (call: ApiCall): FoundRepo => {
    const found = findRepo(services, call.param('owner'), call.param('repo'));
    if (found === undefined) throw notFound();
    requireOwner(call.caller, found.repo, store);
    return found;
  };
  const change = async (call: ApiCall): Promise<ApiAnswer> => {
    const found = findOwn(call);
    const settings = validate(settingsSchema, call.body, 'Repository');
    const repo = { ...found.repo, private: settings.private ?? found.repo.private };
    await store.saveRepo(repo);
    return show({ ...found, repo });
  };

  return [
    ['GET', '/repos/:owner/:repo', (call) => show(requireRepo(services, call))],
    ['PATCH', '/repos/:owner/:repo', (call) => change(call)],
    // Not in GitHub's API: makes or changes a repo, so that it can be private before its first push.
    [
      'PUT',
      '/repos/:owner/:repo',
      async (call) => {
        const path = parseRepoPath(call.param('owner'), call.param('repo'));
        const known = findRepo(services, path.owner, path.name);
        if (known !== undefined) return change(call);
        const settings = validate(settingsSchema, call.body, 'Repository');
        await pushes.ensureRepo(path, settings.private ?? false);
        const found = findRepo(services, path.owner, path.name);
        if (found === undefined) throw notFound();
        return show(found, 201);
      },
    ],
    [
      'DELETE',
      '/repos/:owner/:repo',
      async (call) => {
        await pushes.removeRepo(findOwn(call).repo);
        return { status: 204 };
      },
    ],
    [
      'GET',
      '/repos/:owner/:repo/commits',
      async (call) => {
        const found = requireRepo(services, call);
        const start = call.query.get('sha') ?? found.repo.defaultBranch;
        const sha = await requireCommit(services, found, start);
        const commits = await readCommits(services.git, found.gitFolder, [sha], [], 1000);
        const { page, headers } = paginate(commits, call);
        return {
          status: 200,
          headers,
          body: page.map((commit) => commitJson(commit, found, services)),
        };
      },
    ],
    [
      'GET',
      '/repos/:owner/:repo/commits/:ref',
      async (call) => {
        const found = requireRepo(services, call);
        const sha = await requireCommit(services, found, call.param('ref'));
        if (call.accept.includes('.sha'))
          return { status: 200, raw: Buffer.from(sha), headers: { 'content-type': 'text/plain' } };
        const [commit] = await readCommits(services.git, found.gitFolder, [sha], [], 1);
        if (commit === undefined) throw notFound();
        return { status: 200, body: commitJson(commit, found, services) };
      },
    ],
    [
      'GET',
      '/repos/:owner/:repo/contents',
      (call) => readContents(services, requireRepo(services, call), call),
    ],
    [
      'GET',
      '/repos/:owner/:repo/contents/*path',
      (call) => readContents(services, requireRepo(services, call), call),
    ],
  ];
}

function commitJson(commit: Commit, { fullName }: FoundRepo, services: Services): Json {
  const at = services.addresses();
  const api = `${at.api}/repos/${fullName}/commits`;
  const files = [
    ...commit.added.map((filename) => ({ filename, status: 'added' })),
    ...commit.modified.map((filename) => ({ filename, status: 'modified' })),
    ...commit.removed.map((filename) => ({ filename, status: 'removed' })),
  ];
  return {
    sha: commit.id,
    url: `${api}/${commit.id}`,
    html_url: `${at.html}/${fullName}/commit/${commit.id}`,
    commit: {
      author: commit.author,
      committer: commit.committer,
      message: commit.message,
      tree: { sha: commit.tree },
    },
    author: null,
    committer: null,
    parents: commit.parents.map((sha) => ({ sha, url: `${api}/${sha}` })),
    files,
  };
}
