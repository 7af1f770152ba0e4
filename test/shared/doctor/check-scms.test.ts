import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkGithub } from '#shared/doctor/check-github.ts';
import { checkGitea, checkGitlab } from '#shared/doctor/check-scms.ts';
import { json, nobody, type Routes, useClinic } from './clinic.ts';

describe('GitHub, GitLab and Gitea, as the doctor checks them', () => {
  const clinic = useClinic();
  const { serve, expectCodes, write } = clinic;

  it('github: well, another key, too few rights, another webhook', async () => {
    const app = { id: 7, permissions: { contents: 'read', checks: 'write' }, events: ['push'] };
    const hook = { url: 'http://system.apps.localhost/github-event', content_type: 'json' };
    const github = async (changes: Routes = {}) => ({
      github_app_id: '7',
      github_api_url: await serve({
        'GET /app': json(app),
        'GET /app/hook/config': json(hook),
        ...changes,
      }),
    });
    await expectCodes(checkGithub, await github(), 'ok');
    await expectCodes(checkGithub, await github({ 'GET /app': json({}, 401) }), 'github-app');
    const lacking = { 'GET /app': json({ id: 7, permissions: {}, events: [] }) };
    const text = await expectCodes(checkGithub, await github(lacking), 'github-permissions');
    expect(text).to.include('Contents: read, Checks: write, the event Push');
    const elsewhere = {
      'GET /app/hook/config': json({ ...hook, url: 'https://elsewhere.example/' }),
    };
    await expectCodes(checkGithub, await github(elsewhere), 'github-webhook');
    await expectCodes(
      checkGithub,
      { github_app_id: '7', github_api_url: nobody },
      'github-unreachable',
    );
    await expectCodes(checkGithub, {}, 'not-checked');
    await write('private-key', 'x');
    await expectCodes(checkGithub, await github(), 'github-app');
  });

  it('gitlab: well, another token, too few rights, soon over, several servers, none', async () => {
    const self = 'GET /api/v4/personal_access_tokens/self';
    const asked: unknown[] = [];
    const gitlab = (token: object, status = 200) =>
      serve({
        [self]: (request, response) => {
          asked.push(request.headers['private-token']);
          json(token, status)(request, response);
        },
      });
    const days = (count: number) => new Date(Date.now() + count * 86_400_000).toISOString();
    const good = { scopes: ['api', 'read_user'], expires_at: null };
    await expectCodes(checkGitlab, { gitlab_instance: await gitlab(good) }, 'ok');
    expect(asked).to.deep.equal(['glpat']);
    for (const [answer, status, code] of [
      [{ ...good, expires_at: days(15) }, 200, 'ok'],
      [{ ...good, expires_at: days(13) }, 200, 'scm-token-ends'],
      [{ ...good, scopes: ['read_api'] }, 200, 'scm-scope'],
      [{}, 401, 'scm-token'],
      [{}, 404, 'not-checked'],
      [{}, 502, 'scm-unreachable'],
    ] as const) {
      const text = await expectCodes(
        checkGitlab,
        { gitlab_instance: await gitlab(answer, status) },
        code,
      );
      expect(text).to.not.contain('glpat');
    }
    await expectCodes(checkGitlab, { gitlab_instance: nobody }, 'scm-unreachable');
    await write('gitlab-api-token-work', 'second');
    const two = { scms: 'gitlab,gitlab-work', gitlab_instance: await gitlab(good) };
    const text = await expectCodes(
      checkGitlab,
      { ...two, gitlab_instance_work: await gitlab({}, 401) },
      'scm-token',
    );
    expect(text).to.contain('gitlab-work');
    await expectCodes(checkGitlab, { scms: 'github' }, 'not-checked');
  });

  it('gitea: well, another token, too few rights, none', async () => {
    const gitea = async (status: number) => ({
      gitea_url: await serve({ 'GET /api/v1/repos/search': json({ ok: true, data: [] }, status) }),
    });
    await expectCodes(checkGitea, await gitea(200), 'ok');
    await expectCodes(checkGitea, await gitea(401), 'scm-token');
    await expectCodes(checkGitea, await gitea(403), 'scm-scope');
    await expectCodes(checkGitea, { gitea_url: nobody }, 'scm-unreachable');
    await rm(join(clinic.secrets, 'gitea-api-token'));
    await expectCodes(checkGitea, await gitea(200), 'not-checked');
  });
});
