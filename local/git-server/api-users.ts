import type { ApiCall, Route } from './api-router.ts';
import { accountJson } from './github-shapes.ts';
import { HttpError, notFound } from './http-error.ts';
import { paginate } from './paginate.ts';
import { parseLogin } from './repo-path.ts';
import { type Account, sameName } from './repo-store.ts';
import type { Services } from './services.ts';

/**
 * People and organisations.
 *
 * @see https://docs.github.com/en/rest/users/users
 */
export function userRoutes(services: Services): Route[] {
  const { store } = services;
  return [
    [
      'GET',
      '/user',
      (call) => {
        if (call.caller.kind !== 'user') throw new HttpError(401, 'Requires authentication');
        const account = store.account(call.caller.login);
        if (account === undefined) throw notFound();
        return { status: 200, body: userJson(account, services) };
      },
    ],
    [
      'GET',
      '/user/orgs',
      (call) => {
        const { caller } = call;
        if (caller.kind !== 'user') throw new HttpError(401, 'Requires authentication');
        return organisationsOf(caller.login, call, services);
      },
    ],
    [
      'GET',
      '/users/:login',
      (call) => {
        const account = store.account(call.param('login'));
        if (account === undefined) throw notFound();
        return { status: 200, body: userJson(account, services) };
      },
    ],
    ['GET', '/users/:login/orgs', (call) => organisationsOf(call.param('login'), call, services)],
    ['PUT', '/orgs/:org/memberships/:login', async (call) => addMember(call, services)],
  ];
}

function userJson(account: Account, services: Services) {
  return {
    ...accountJson(account, services.addresses()),
    name: account.login,
    email: null,
    created_at: account.createdAt,
    updated_at: account.createdAt,
    two_factor_authentication: false,
  };
}

function organisationsOf(login: string, call: ApiCall, services: Services) {
  const organisations = services.store
    .accounts()
    .filter(
      ({ type, members }) =>
        type === 'Organization' && members.some((member) => sameName(member, login)),
    );
  const { page, headers } = paginate(organisations, call);
  const at = services.addresses();
  return {
    status: 200,
    headers,
    body: page.map((account) => ({ ...accountJson(account, at), description: null })),
  };
}

/** Makes an account an organisation and a person its member: the local stand-in for GitHub's web pages. */
async function addMember(call: ApiCall, services: Services) {
  const { store } = services;
  const organisation = await store.ensureAccount(parseLogin(call.param('org')));
  const member = await store.ensureAccount(parseLogin(call.param('login')));
  if (organisation.id === member.id)
    throw new HttpError(422, 'An account cannot be its own member.');
  const members = [...new Set([...organisation.members, member.login])];
  await store.saveAccount({ ...organisation, type: 'Organization', members });
  return {
    status: 200,
    body: {
      state: 'active',
      role: 'member',
      user: { login: member.login },
      organization: { login: organisation.login },
    },
  };
}
