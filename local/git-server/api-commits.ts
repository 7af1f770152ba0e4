import { requireWrite } from './api-auth.ts';
import type { ApiCall, Route } from './api-router.ts';
import {
  type CheckRun,
  checkRunJson,
  latestByName,
  parseCheckRunUpdate,
  parseNewCheckRun,
} from './check-runs.ts';
import { repositoryJson } from './github-shapes.ts';
import { notFound } from './http-error.ts';
import { paginate } from './paginate.ts';
import { type FoundRepo, requireCommit, requireRepo, type Services } from './services.ts';
import { combine, parseNewStatus, statusJson } from './statuses.ts';

/**
 * What is said about commits: check runs and statuses.
 *
 * @see https://docs.github.com/en/rest/checks/runs
 * @see https://docs.github.com/en/rest/commits/statuses
 */
export function commitRoutes(services: Services): Route[] {
  return [...checkRunRoutes(services), ...statusRoutes(services)];
}

function checkRunRoutes(services: Services): Route[] {
  const { store, records, appId } = services;
  const toJson = (run: CheckRun, { repo, owner }: FoundRepo) =>
    checkRunJson(run, repo, owner, appId, services.addresses());
  const idOf = (call: ApiCall): number => Number(call.param('id'));

  return [
    [
      'POST',
      '/repos/:owner/:repo/check-runs',
      async (call) => {
        const found = requireRepo(services, call);
        requireWrite(call.caller, found.repo, store, 'checks');
        const make = parseNewCheckRun(call.body);
        const sha = await requireCommit(services, found, make(0).headSha);
        const run = await records(found.repo).checkRuns.create(sha, make);
        return { status: 201, body: toJson(run, found) };
      },
    ],
    [
      'PATCH',
      '/repos/:owner/:repo/check-runs/:id',
      async (call) => {
        const found = requireRepo(services, call);
        requireWrite(call.caller, found.repo, store, 'checks');
        const run = await records(found.repo).checkRuns.update(
          idOf(call),
          parseCheckRunUpdate(call.body),
        );
        if (run === undefined) throw notFound();
        return { status: 200, body: toJson(run, found) };
      },
    ],
    [
      'GET',
      '/repos/:owner/:repo/check-runs/:id',
      async (call) => {
        const found = requireRepo(services, call);
        const run = await records(found.repo).checkRuns.get(idOf(call));
        if (run === undefined) throw notFound();
        return { status: 200, body: toJson(run, found) };
      },
    ],
    [
      'GET',
      '/repos/:owner/:repo/commits/:ref/check-runs',
      async (call) => {
        const found = requireRepo(services, call);
        const sha = await requireCommit(services, found, call.param('ref'));
        const all = await records(found.repo).checkRuns.list(sha);
        const { query } = call;
        const wants = (name: string, value: string): boolean =>
          (query.get(name) ?? value) === value;
        const runs = (query.get('filter') === 'all' ? all : latestByName(all)).filter(
          (run) =>
            wants('check_name', run.name) &&
            wants('status', run.status) &&
            wants('app_id', String(appId)),
        );
        const { page, headers } = paginate(runs.reverse(), call);
        return {
          status: 200,
          headers,
          body: { total_count: runs.length, check_runs: page.map((run) => toJson(run, found)) },
        };
      },
    ],
  ];
}

function statusRoutes(services: Services): Route[] {
  const { store, records } = services;
  const listed = async (call: ApiCall) => {
    const found = requireRepo(services, call);
    const sha = await requireCommit(services, found, call.param('ref'));
    return { found, sha, statuses: (await records(found.repo).statuses.list(sha)).reverse() };
  };

  return [
    [
      'POST',
      '/repos/:owner/:repo/statuses/:sha',
      async (call) => {
        const found = requireRepo(services, call);
        requireWrite(call.caller, found.repo, store, 'statuses');
        const make = parseNewStatus(call.body);
        const sha = await requireCommit(services, found, call.param('sha'));
        const status = await records(found.repo).statuses.create(sha, make);
        return { status: 201, body: statusJson(status, found.fullName, sha, services.addresses()) };
      },
    ],
    [
      'GET',
      '/repos/:owner/:repo/commits/:ref/statuses',
      async (call) => {
        const { found, sha, statuses } = await listed(call);
        const { page, headers } = paginate(statuses, call);
        const at = services.addresses();
        return {
          status: 200,
          headers,
          body: page.map((status) => statusJson(status, found.fullName, sha, at)),
        };
      },
    ],
    [
      'GET',
      '/repos/:owner/:repo/commits/:ref/status',
      async (call) => {
        const { found, sha, statuses } = await listed(call);
        const { state, latest } = combine(statuses.reverse());
        const { page, headers } = paginate(latest, call);
        const at = services.addresses();
        return {
          status: 200,
          headers,
          body: {
            state,
            sha,
            total_count: latest.length,
            statuses: page.map((status) => statusJson(status, found.fullName, sha, at)),
            repository: repositoryJson(found.repo, found.owner, at),
            url: `${at.api}/repos/${found.fullName}/commits/${sha}/status`,
          },
        };
      },
    ],
  ];
}
