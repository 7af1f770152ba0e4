import * as v from 'valibot';
import type { ApiCall, Route } from './api-router.ts';
import { appJson, appPermissions, installationJson, repositoryJson } from './github-shapes.ts';
import { HttpError, notFound } from './http-error.ts';
import { paginate } from './paginate.ts';
import type { Account } from './repo-store.ts';
import type { Services } from './services.ts';
import { validate } from './validate.ts';

const tokenSchema = v.object({
  repositories: v.optional(v.pipe(v.array(v.string()), v.maxLength(500))),
  repository_ids: v.optional(v.pipe(v.array(v.number()), v.maxLength(500))),
  permissions: v.optional(v.record(v.string(), v.picklist(['read', 'write', 'admin']))),
});

/** GitHub's installation tokens live this long. */
const tokenLifeMs = 60 * 60 * 1000;

/**
 * The app's own part of the API: who it is, where it is installed, its installation tokens.
 *
 * @see https://docs.github.com/en/rest/apps/apps
 */
export function appRoutes(services: Services): Route[] {
  const { store, tokens, appId } = services;
  const requireApp = (call: ApiCall): void => {
    if (call.caller.kind !== 'app')
      throw new HttpError(401, 'A JSON web token could not be decoded');
  };
  const show = (owner: Account | undefined) => {
    if (owner === undefined) throw notFound();
    return { status: 200, body: installationJson(owner, appId, services.addresses()) };
  };
  const byInstallation = (call: ApiCall): Account | undefined =>
    store.accounts().find(({ installationId }) => String(installationId) === call.param('id'));
  const showNamed = (call: ApiCall) => {
    requireApp(call);
    return show(store.account(call.param('login')));
  };

  return [
    [
      'GET',
      '/app',
      (call) => {
        requireApp(call);
        return { status: 200, body: appJson(appId, services.addresses()) };
      },
    ],
    [
      'GET',
      '/app/installations',
      (call) => {
        requireApp(call);
        const { page, headers } = paginate(store.accounts(), call);
        const at = services.addresses();
        return {
          status: 200,
          headers,
          body: page.map((owner) => installationJson(owner, appId, at)),
        };
      },
    ],
    [
      'GET',
      '/app/installations/:id',
      (call) => {
        requireApp(call);
        return show(byInstallation(call));
      },
    ],
    ['GET', '/users/:login/installation', showNamed],
    ['GET', '/orgs/:login/installation', showNamed],
    [
      'GET',
      '/repos/:owner/:repo/installation',
      (call) => {
        requireApp(call);
        return show(
          store.repo(call.param('owner'), call.param('repo')) && store.account(call.param('owner')),
        );
      },
    ],
    [
      'POST',
      '/app/installations/:id/access_tokens',
      async (call) => {
        requireApp(call);
        const owner = byInstallation(call);
        if (owner === undefined) throw notFound();
        const wanted = validate(tokenSchema, call.body, 'InstallationToken');
        const repos = chosenRepos(services, owner, wanted);
        const permissions = chosenPermissions(wanted.permissions);
        const expiresAt = new Date(Date.now() + tokenLifeMs).toISOString().replace(/\.\d+Z$/, 'Z');
        const token = await tokens.issue({
          kind: 'installation',
          installationId: owner.installationId,
          ...(repos === undefined ? {} : { repositoryIds: repos.map(({ id }) => id) }),
          permissions,
          expiresAt,
        });
        const at = services.addresses();
        return {
          status: 201,
          body: {
            token,
            expires_at: expiresAt,
            permissions,
            repository_selection: repos === undefined ? 'all' : 'selected',
            ...(repos === undefined
              ? {}
              : { repositories: repos.map((repo) => repositoryJson(repo, owner, at)) }),
          },
        };
      },
    ],
    [
      'GET',
      '/installation/repositories',
      (call) => {
        const { caller } = call;
        if (caller.kind !== 'installation') throw new HttpError(401, 'Requires authentication');
        const owner = store
          .accounts()
          .find(({ installationId }) => installationId === caller.installationId);
        if (owner === undefined) throw notFound();
        const repos = store
          .repos(owner.login)
          .filter(({ id }) => caller.repositoryIds?.includes(id) ?? true);
        const { page, headers } = paginate(repos, call);
        const at = services.addresses();
        const repositories = page.map((repo) => repositoryJson(repo, owner, at));
        return {
          status: 200,
          headers,
          body: { total_count: repos.length, repository_selection: 'all', repositories },
        };
      },
    ],
  ];
}

function chosenRepos(
  services: Services,
  owner: Account,
  wanted: v.InferOutput<typeof tokenSchema>,
) {
  const { repositories, repository_ids: ids } = wanted;
  if (repositories === undefined && ids === undefined) return undefined;
  const all = services.store.repos(owner.login);
  const chosen = all.filter(
    ({ id, name }) =>
      ids?.includes(id) || repositories?.some((text) => text.toLowerCase() === name.toLowerCase()),
  );
  if (
    chosen.length === 0 ||
    chosen.length < Math.max(repositories?.length ?? 0, ids?.length ?? 0)
  ) {
    throw new HttpError(
      422,
      'There is at least one repository that does not exist or is not accessible to the parent installation.',
    );
  }
  return chosen;
}

function chosenPermissions(
  wanted: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  if (wanted === undefined) return { ...appPermissions };
  const granted: Readonly<Record<string, string>> = appPermissions;
  const tooMuch = Object.entries(wanted).some(
    ([name, level]) => granted[name] !== 'write' && granted[name] !== level,
  );
  if (tooMuch)
    throw new HttpError(422, 'The permissions requested are not granted to this installation.');
  return { ...wanted, metadata: 'read' };
}
