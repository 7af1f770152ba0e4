import { expect } from 'chai';
import { createGithubOAuth } from '#shared/auth/github-oauth.ts';
import { createGitlabOAuth } from '#shared/auth/gitlab-oauth.ts';
import { send } from '../../helpers/http-client.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { type AuthStage, buildAuthStage, cookiesOf, customersOf, pairsOf } from './stage.ts';

const answers: Record<string, unknown> = {
  '/login/oauth/access_token': { access_token: 't' },
  '/api/user': { id: 7, login: 'Alice' },
  '/api/user/memberships/orgs': [],
  '/oauth/token': { access_token: 't' },
  '/oauth/userinfo': { sub: '7', nickname: 'Alice' },
};

describe('several GitHubs and GitLabs to sign in at', () => {
  let provider: TestServer;
  let stage: AuthStage;
  before(async () => {
    provider = await listen((request, response) => {
      response.end(JSON.stringify(answers[request.url?.split('?', 1)[0] ?? '']));
    });
    const github = { baseUrl: provider.url, apiUrl: `${provider.url}/api` };
    const client = { clientId: 'client', clientSecret: 'client-secret' };
    stage = await buildAuthStage({
      customers: customersOf('id:github-corp:7', 'gitlab-work:alice').check,
      providers: [
        createGithubOAuth({ ...client, ...github }),
        createGithubOAuth({ ...client, ...github, name: 'github-corp' }),
        createGitlabOAuth({ ...client, baseUrl: 'https://gitlab.com' }),
        createGitlabOAuth({ ...client, baseUrl: provider.url, name: 'gitlab-work' }),
      ],
    });
  });
  after(async () => {
    await stage.close();
    await provider.close();
  });

  const signInAt = async (name: string) => {
    const begun = await send(stage.port, `/auth/login/${name}`);
    const authorize = new URL(begun.headers.location ?? '');
    const back = new URL(authorize.searchParams.get('redirect_uri') ?? '');
    const cookie = pairsOf(begun);
    const path = `${back.pathname}?code=c&state=${authorize.searchParams.get('state')}`;
    return { path: back.pathname, answer: await send(stage.port, path, { headers: { cookie } }) };
  };

  it('are all offered, each by the host where it is', async () => {
    const { body } = await send(stage.port, '/auth/login?r=/dashboard/alice');
    const links = [...body.matchAll(/href="(\/auth\/login\/[^"]+)">([^<]+)</g)].map(
      ([, path, title]) => [path, title],
    );
    const { host } = new URL(provider.url);
    expect(links).to.deep.equal([
      ['/auth/login/github?r=%2Fdashboard%2Falice', `Sign in with GitHub (${host})`],
      ['/auth/login/github-corp?r=%2Fdashboard%2Falice', `Sign in with GitHub (${host})`],
      ['/auth/login/gitlab?r=%2Fdashboard%2Falice', 'Sign in with GitLab'],
      ['/auth/login/gitlab-work?r=%2Fdashboard%2Falice', `Sign in with GitLab (${host})`],
    ]);
  });

  it('each has people of its own: the same id and name elsewhere is somebody else', async () => {
    const corp = await signInAt('github-corp');
    expect([corp.path, corp.answer.status]).to.deep.equal(['/auth/callback/github-corp', 302]);
    const [, claims = ''] = (cookiesOf(corp.answer)['__Host-openfaas_cloud_token'] ?? '').split(
      '.',
    );
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).to.include({
      sub: 'github-corp:7',
    });
    const work = await signInAt('gitlab-work');
    expect([work.path, work.answer.status]).to.deep.equal(['/auth/callback/gitlab-work', 302]);
    const first = await signInAt('github');
    expect([first.path, first.answer.status]).to.deep.equal(['/auth/callback', 403]);
    expect(first.answer.body).to.contain('not on the list of customers');
  });
});
